// Parses and compares CIDR blocks; IPv4 is handled as v6-mapped, so there is one arithmetic.
#include "common/config/ip_range.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace tako::config {
namespace {

constexpr unsigned kIpv4PrefixBits = 96;  // ::ffff:0:0/96
constexpr unsigned kBits = 128;

}  // namespace

std::optional<IpRange::Address> IpRange::parse_ip(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a terminator
  Address address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  address[10] = address[11] = 0xff;
  if (inet_pton(AF_INET, copy.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

IpRange::Address IpRange::masked(Address address, unsigned prefix_bits) {
  for (unsigned bit = prefix_bits; bit < kBits; ++bit) {
    auto& byte = address[bit / 8];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  return address;
}

std::optional<IpRange> IpRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view ip = text.substr(0, slash);
  const std::optional<Address> address = parse_ip(ip);
  if (!address) return std::nullopt;
  const bool is_ipv4 = ip.find(':') == std::string_view::npos;
  const unsigned bits_max = is_ipv4 ? kBits - kIpv4PrefixBits : kBits;
  unsigned bits = bits_max;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), bits);
    if (error != std::errc() || end != digits.end() || bits > bits_max) return std::nullopt;
  }
  if (is_ipv4) bits += kIpv4PrefixBits;
  if (masked(*address, bits) != *address) return std::nullopt;
  return IpRange(*address, bits);
}

bool IpRange::contains(std::string_view ip) const {
  const std::optional<Address> address = parse_ip(ip);
  return address && masked(*address, prefix_bits_) == first_;
}

}  // namespace tako::config
