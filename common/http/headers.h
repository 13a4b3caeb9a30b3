// Headers: the fields of one message head, in order, found without regard to case.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tako::http {

struct Header {
  std::string name;   // as it came, or as it is to be sent
  std::string value;  // without white space around it
  bool operator==(const Header&) const = default;
};

// ASCII only, as HTTP wants it; independent of any locale.
[[nodiscard]] bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;
// True if `list` (`a, B ,c`) has the element `token`, ignoring case.
[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token) noexcept;
// RFC 9110 5.6.2: what names of headers and methods are made of.
[[nodiscard]] bool is_token(std::string_view text) noexcept;
// No CR, LF, NUL nor other control character but TAB: nothing that could end the line.
[[nodiscard]] bool is_header_value(std::string_view text) noexcept;

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  // The first value of this name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  // All values of this name, in order.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // True if any field of this name lists the token: `has_token("connection", "upgrade")`.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

  void add(std::string name, std::string value);
  // Replaces all fields of this name by one.
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  void clear() noexcept { fields_.clear(); }

  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> fields_;
};

// Takes out what concerns one hop only (RFC 9110 7.6.1): Connection and the fields it names,
// Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Trailer,
// Transfer-Encoding, Upgrade. A proxy calls it on both heads, and says its own afterwards.
void remove_hop_by_hop(Headers& headers);

}  // namespace tako::http
