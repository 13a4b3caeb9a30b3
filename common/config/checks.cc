// The rules of single configured texts.
#include "common/config/checks.h"

#include <algorithm>
#include <string_view>

#include "common/ascii.h"
#include "common/config/ip_range.h"
#include "common/http/origin.h"
#include "common/uv/socket.h"

namespace tako::config {
namespace {

constexpr std::size_t kSocketPathBytesMax = 107;  // sun_path, less its terminator
constexpr std::size_t kNameCharactersMax = 63;    // a DNS label (RFC 1035 2.3.4)
constexpr std::size_t kKeyCharactersMax = 128;
constexpr std::size_t kSecretCharactersMax = 1'024;

bool is_printable(char c) { return c > 0x20 && c < 0x7f; }
bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_label(std::string_view text) {
  if (text.empty() || text.size() > kNameCharactersMax) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_dotted_labels(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_host(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) {
    return text.find(':') != std::string_view::npos &&
           IpRange::parse(text.substr(1, text.size() - 2)).has_value();
  }
  return is_dotted_labels(text);
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, ascii::is_digit) &&
         std::stoul(std::string(text)) <= 65'535;
}

}  // namespace

std::string check_path(const std::string& text) {
  const bool is_right =
      !text.empty() && std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20; });
  return is_right ? "" : "a path";
}

std::string check_socket_path(const std::string& text) {
  if (check_path(text).empty() && text.size() <= kSocketPathBytesMax) return "";
  return "the path of a unix socket, at most " + std::to_string(kSocketPathBytesMax) + " bytes";
}

std::string check_address(const std::string& text) {
  return uv::parse_address(text) ? "" : "ADDR:PORT, [IPV6]:PORT or unix:PATH";
}

std::string check_optional_path(const std::string& text) {
  return text.empty() ? "" : check_path(text);
}

std::string check_optional_address(const std::string& text) {
  return text.empty() ? "" : check_address(text);
}

std::string check_optional_origin(const std::string& text) {
  return text.empty() || http::Origin::parse(text) ? "" : "http://HOST:PORT or unix:PATH";
}

std::string check_ip_range(const std::string& text) {
  return IpRange::parse(text) ? "" : "an IP address or a block such as 10.0.0.0/8";
}

std::string check_process_name(const std::string& text) {
  // Workers are NAME.0, NAME.1, …
  return is_dotted_labels(text) ? "" : "1-63 characters of a-z 0-9 and inner '-', between dots";
}

std::string check_log_engine(const std::string& text) {
  return text == "disk" || text == "memory" ? "" : "disk or memory";
}

std::string check_ack(const std::string& text) {
  return text == "synced" || text == "written" ? "" : "synced or written";
}

std::string check_log_format(const std::string& text) {
  return text == "text" || text == "json" ? "" : "text or json";
}

std::string check_log_level(const std::string& text) {
  const bool is_right =
      text == "debug" || text == "info" || text == "warn" || text == "error" || text == "off";
  return is_right ? "" : "debug, info, warn, error or off";
}

std::string check_app_id(const std::string& text) {
  return is_label(text) ? "" : "1-63 characters of a-z 0-9 and inner '-'";
}

std::string check_host(const std::string& text) {
  // The edge speaks to an app's callbacks under <app>.tako; from outside such a Host is refused.
  if (text.ends_with(".tako")) return "a host name that does not end in .tako";
  return is_host(text) ? "" : "a host name in lower case, without port";
}

std::string check_web_origin(const std::string& text) {
  static constexpr std::string_view kExpected =
      "an origin such as https://app.example.com (lower case, no path, no trailing slash)";
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string::npos) return std::string(kExpected);
  const std::string_view scheme = std::string_view(text).substr(0, scheme_end);
  std::string_view host = std::string_view(text).substr(scheme_end + 3);
  const bool is_scheme = !scheme.empty() && std::ranges::all_of(scheme, [](char c) {
    return is_lower_or_digit(c) || c == '-' || c == '+' || c == '.';
  });
  const std::size_t colon = host.find(':', host.starts_with('[') ? host.find(']') : 0);
  const bool port_is_right = colon == std::string_view::npos || is_port(host.substr(colon + 1));
  return is_scheme && port_is_right && is_host(host.substr(0, colon)) ? "" : std::string(kExpected);
}

std::string check_key(const std::string& text) {
  const bool is_right =
      !text.empty() && text.size() <= kKeyCharactersMax &&
      std::ranges::all_of(text, [](char c) { return is_printable(c) && c != ':'; });
  return is_right ? "" : "1-128 printable characters without ':' and blanks";
}

std::string check_secret(const std::string& text) {
  const bool is_right = !text.empty() && text.size() <= kSecretCharactersMax &&
                        std::ranges::all_of(text, is_printable);
  return is_right ? "" : "1-1024 printable characters without blanks";
}

}  // namespace tako::config
