// Checks dates, addresses and identifiers, without regular expressions.
#include "common/json_format.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "common/ascii.h"

namespace tako {
namespace {

using ascii::is_alphanumeric;
using ascii::is_digit;
using ascii::is_letter;

bool is_hex(char c) { return ascii::hex_value(c) >= 0; }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// The next `count` digits as a number, taken off the front.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
  const std::string_view digits = text.substr(0, count);
  if (digits.size() < count || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view set) {
  if (text.empty() || !is_one_of(text.front(), set)) return false;
  text.remove_prefix(1);
  return true;
}

// RFC 3339 §5.6 full-date.
bool take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return false;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return false;
  const auto day = take_digits(text, 2);
  return day && std::chrono::year_month_day(std::chrono::year(static_cast<int>(*year)),
                                            std::chrono::month(*month), std::chrono::day(*day))
                    .ok();
}

// The zone as minutes east of UTC.
std::optional<int> take_zone(std::string_view& text) {
  if (take(text, "Zz")) return 0;
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!take(text, "+-")) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * static_cast<int>(*hours * 60 + *minutes);
}

// RFC 3339 §5.6 full-time. A leap second can only end a day of UTC.
bool take_time(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return false;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ":")) return false;
  const auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return false;
  if (take(text, ".")) {
    if (!take(text, "0123456789")) return false;
    while (take(text, "0123456789")) {
    }
  }
  const auto zone = take_zone(text);
  if (!zone) return false;
  constexpr int kDayMinutes = 24 * 60;
  const int utc = (static_cast<int>(*hour * 60 + *minute) - *zone + kDayMinutes) % kDayMinutes;
  return *second < 60 || utc == kDayMinutes - 1;
}

bool is_date(std::string_view text) { return take_date(text) && text.empty(); }
bool is_time(std::string_view text) { return take_time(text) && text.empty(); }
bool is_date_time(std::string_view text) {
  return take_date(text) && take(text, "Tt") && take_time(text) && text.empty();
}

bool is_label(std::string_view label) {
  constexpr std::size_t kLabelMax = 63;
  return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
         label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

// True if `text` is parts that all pass, with `separator` between them.
bool all_parts(std::string_view text, char separator, bool (*passes)(std::string_view)) {
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (!passes(text.substr(0, end))) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

bool is_hostname(std::string_view text) {
  constexpr std::size_t kHostnameMax = 253;
  return text.size() <= kHostnameMax && all_parts(text, '.', is_label);
}

// RFC 5322 §3.2.3 atext.
bool is_atom(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
  });
}

bool is_email(std::string_view text) {
  constexpr std::size_t kLocalMax = 64;  // RFC 5321 §4.5.3.1.1
  const std::size_t at = text.rfind('@');
  return at != std::string_view::npos && at <= kLocalMax &&
         all_parts(text.substr(0, at), '.', is_atom) && is_hostname(text.substr(at + 1));
}

bool is_address(int family, std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return false;
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return inet_pton(family, std::string(text).c_str(), address.data()) == 1;
}
bool is_ipv4(std::string_view text) { return is_address(AF_INET, text); }
bool is_ipv6(std::string_view text) { return is_address(AF_INET6, text); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// Characters of a URI behind its scheme (RFC 3986 appendix A): every `%` begins an escape.
bool is_uri_text(std::string_view text, std::string_view delimiters) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (!is_alphanumeric(c) && !is_one_of(c, "-._~!$&'()*+,;=:@") &&
               !is_one_of(c, delimiters)) {
      return false;
    }
  }
  return true;
}

bool is_port(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::ranges::all_of(text.substr(1), is_digit));
}

// [userinfo@]host[:port]; brackets hold an IPv6 address.
bool is_authority(std::string_view text) {
  const std::size_t at = text.rfind('@');
  std::string_view host = text;
  if (at != std::string_view::npos) {
    if (text.find('@') != at || !is_uri_text(text.substr(0, at), "")) return false;
    host = text.substr(at + 1);
  }
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end != std::string_view::npos && is_ipv6(host.substr(1, end - 1)) &&
           is_port(host.substr(end + 1));
  }
  const std::size_t colon = std::min(host.find(':'), host.size());
  return is_uri_text(host.substr(0, colon), "") && is_port(host.substr(colon));
}

bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
  const bool scheme_ok = std::ranges::all_of(
      text.substr(0, colon), [](char c) { return is_alphanumeric(c) || is_one_of(c, "+-."); });
  if (!scheme_ok) return false;
  std::string_view rest = text.substr(colon + 1);
  const std::size_t hash = std::min(rest.find('#'), rest.size());
  if (hash < rest.size() && !is_uri_text(rest.substr(hash + 1), "/?")) return false;
  rest = rest.substr(0, hash);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (!is_authority(rest.substr(0, end))) return false;
    rest.remove_prefix(end);
  }
  return is_uri_text(rest, "/?");
}

constexpr std::array<std::pair<std::string_view, FormatCheck>, 9> kFormats = {{
    {"date", is_date},
    {"date-time", is_date_time},
    {"email", is_email},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"time", is_time},
    {"uri", is_uri},
    {"uuid", is_uuid},
}};

}  // namespace

FormatCheck find_format(std::string_view name) {
  const auto found =
      std::ranges::find(kFormats, name, &std::pair<std::string_view, FormatCheck>::first);
  return found == kFormats.end() ? nullptr : found->second;
}

}  // namespace tako
