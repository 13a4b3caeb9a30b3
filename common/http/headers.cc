// Finds, checks and changes header fields.
#include "common/http/headers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/ascii.h"

namespace tako::http {

namespace {

constexpr bool is_token_char(char c) noexcept {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return ascii::is_alphanumeric(c) || kSigns.find(c) != kSigns.npos;
}

// Calls `visit` with each element of a comma-separated list, trimmed; empty ones are left out.
template <typename Visit>
void for_each_element(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (const std::string_view element = ascii::trimmed(list.substr(0, comma)); !element.empty()) {
      visit(element);
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, ascii::lower, ascii::lower);
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
  bool is_found = false;
  for_each_element(list, [&](std::string_view element) {
    is_found = is_found || equal_ignoring_case(element, token);
  });
  return is_found;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_header_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Header& field : fields_) {
    if (equal_ignoring_case(field.name, name)) values.emplace_back(field.value);
  }
  return values;
}

std::size_t Headers::count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      fields_, [name](const Header& field) { return equal_ignoring_case(field.name, name); }));
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  return std::ranges::any_of(fields_, [&](const Header& field) {
    return equal_ignoring_case(field.name, name) && list_has_token(field.value, token);
  });
}

void Headers::add(std::string name, std::string value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string name, std::string value) {
  remove(name);
  add(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_,
                [name](const Header& field) { return equal_ignoring_case(field.name, name); });
}

void remove_hop_by_hop(Headers& headers) {
  std::vector<std::string> named;
  for (const std::string_view list : headers.all("connection")) {
    for_each_element(list, [&](std::string_view element) { named.emplace_back(element); });
  }
  for (const std::string& name : named) headers.remove(name);
  constexpr std::array<std::string_view, 9> kHopByHop{"connection",
                                                      "keep-alive",
                                                      "proxy-connection",
                                                      "proxy-authenticate",
                                                      "proxy-authorization",
                                                      "te",
                                                      "trailer",
                                                      "transfer-encoding",
                                                      "upgrade"};
  for (const std::string_view name : kHopByHop) headers.remove(name);
}

}  // namespace tako::http
