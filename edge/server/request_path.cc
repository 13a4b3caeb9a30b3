// Normalises once and compares; an escape that is none stays as it is.
#include "edge/server/request_path.h"

#include <algorithm>
#include <vector>

#include "common/ascii.h"

namespace tako::edge {
namespace {

std::string decode_once(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool is_escape = raw[i] == '%' && i + 2 < raw.size() &&
                           ascii::hex_value(raw[i + 1]) >= 0 && ascii::hex_value(raw[i + 2]) >= 0;
    if (!is_escape) {
      out += raw[i];
      continue;
    }
    out += static_cast<char>(ascii::hex_value(raw[i + 1]) * 16 + ascii::hex_value(raw[i + 2]));
    i += 2;
  }
  return out;
}

}  // namespace

std::string normalized_path(std::string_view raw_path) {
  std::string decoded = decode_once(raw_path);
  std::ranges::transform(decoded, decoded.begin(),
                         [](char c) { return c == '\\' ? '/' : ascii::lower(c); });
  std::vector<std::string_view> segments;
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  return out.empty() ? "/" : out;
}

bool is_callback_path(std::string_view normalized) {
  return normalized == "/channels/authorize" || normalized == "/channels/dispatch" ||
         normalized == "/channels/events";
}

bool is_own_path(std::string_view normalized) {
  return normalized == "/_tako" || normalized.starts_with("/_tako/");
}

std::string normalized_host(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        host.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  if (has_port) host = host.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  return ascii::lowered(host);
}

bool is_callback_host(std::string_view normalized) {
  return normalized == "tako" || normalized.ends_with(".tako");
}

}  // namespace tako::edge
