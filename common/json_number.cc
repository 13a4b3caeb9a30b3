// Reads and prints numbers.
#include "common/json_number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/json_scanner.h"

namespace tako {
namespace {

// The shortest decimal digits that read back as the same double, and where the point goes:
// the value is 0.DIGITS × 10^point.
struct Decimal {
  std::string digits;
  int point = 0;
};

Decimal shortest_decimal(double positive) {
  std::array<char, 32> buffer{};  // 17 digits, point, e, sign, 3 digits
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), positive,
                                          std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  Decimal decimal;
  decimal.digits = text.substr(0, 1);
  if (e > 2) decimal.digits += text.substr(2, e - 2);
  int exponent = 0;
  const std::size_t sign = text[e + 1] == '+' ? 2 : 1;  // from_chars takes no plus
  std::from_chars(text.data() + e + sign, text.data() + text.size(), exponent);
  decimal.point = exponent + 1;
  return decimal;
}

bool is_json_number(std::string_view text) {
  if (text.empty() || (text.front() != '-' && (text.front() < '0' || text.front() > '9'))) {
    return false;
  }
  JsonScanner scanner(text);
  std::string_view token;
  return scanner.scalar(token) && token.size() == text.size();
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number(std::string_view text) {
  if (!is_json_number(text)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Too large and too small are one error there; strtod tells them apart. The programs never
    // call setlocale, so the point is a point.
    value = std::strtod(std::string(text).c_str(), nullptr);
  }
  if (!std::isfinite(value)) return std::nullopt;
  return value == 0 ? 0.0 : value;
}

void append_number(std::string& out, double finite) {
  if (finite == 0) {
    out += '0';
    return;
  }
  if (finite < 0) out += '-';
  const Decimal decimal = shortest_decimal(std::fabs(finite));
  const auto count = static_cast<int>(decimal.digits.size());
  const auto zeros = [](int n) { return std::string(static_cast<std::size_t>(n), '0'); };
  if (decimal.point > 21 || decimal.point <= -6) {
    const int exponent = decimal.point - 1;
    out += decimal.digits.front();
    if (count > 1) out += '.' + decimal.digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(exponent));
  } else if (decimal.point <= 0) {
    out += "0." + zeros(-decimal.point) + decimal.digits;
  } else if (decimal.point >= count) {
    out += decimal.digits + zeros(decimal.point - count);
  } else {
    const auto point = static_cast<std::size_t>(decimal.point);
    out += decimal.digits.substr(0, point) + '.' + decimal.digits.substr(point);
  }
}

}  // namespace tako
