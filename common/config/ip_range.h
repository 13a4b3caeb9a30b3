// IpRange: a block of IP addresses in CIDR notation, such as the proxies that are trusted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tako::config {

class IpRange {
 public:
  // "10.0.0.0/8", "::1/128", or one address. nullopt: not such a text, or bits beyond the prefix
  // are set (10.1.2.3/8 is a mistake more often than not).
  [[nodiscard]] static std::optional<IpRange> parse(std::string_view text);

  // `ip` without brackets or port. An IPv4 address matches its v6-mapped form and the reverse.
  // False for anything that is no address.
  [[nodiscard]] bool contains(std::string_view ip) const;

 private:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  IpRange(const Address& first, unsigned prefix_bits) : first_(first), prefix_bits_(prefix_bits) {}
  [[nodiscard]] static std::optional<Address> parse_ip(std::string_view text);
  [[nodiscard]] static Address masked(Address address, unsigned prefix_bits);

  Address first_;
  unsigned prefix_bits_;  // of 128
};

}  // namespace tako::config
