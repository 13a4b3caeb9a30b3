// Finds headers and cookies in a client's request.
#include "edge/session/client.h"

#include <algorithm>

#include "common/ascii.h"

namespace tako::edge {
namespace {

// RFC 6265 4.2.1: `a=1; b=2`. The value stays as it came, quotes included.
std::optional<std::string_view> find_cookie(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = list.find(';');
    const std::string_view pair = list.substr(0, end);
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (ascii::trimmed(pair.substr(0, equals)) == name)
      return ascii::trimmed(pair.substr(equals + 1));
  }
  return std::nullopt;
}

}  // namespace

const std::string* ClientRequest::header(std::string_view name) const {
  const auto found = std::ranges::find(
      headers, name, [](const auto& field) -> std::string_view { return field.first; });
  return found == headers.end() ? nullptr : &found->second;
}

std::optional<std::string_view> ClientRequest::cookie(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (field != "cookie") continue;
    if (const auto found = find_cookie(value, name)) return found;
  }
  return std::nullopt;
}

}  // namespace tako::edge
