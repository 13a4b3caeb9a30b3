// The strict walk over JSON text.
#include "common/json_scanner.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/ascii.h"
#include "common/limits.h"
#include "common/utf8.h"

namespace tako {
namespace {

using ascii::hex_value;
using ascii::is_digit;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_high_surrogate(unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Bytes that stand for themselves inside a string: printable ASCII but `"` and `\`.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlain = make_plain();

// Four hex digits that are known to be there.
unsigned hex4(std::string_view digits) {
  unsigned unit = 0;
  for (const char digit : digits.substr(0, 4)) {
    unit = unit << 4U | static_cast<unsigned>(hex_value(digit));
  }
  return unit;
}

char short_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;  // quote, backslash, slash
  }
}

}  // namespace

char JsonScanner::peek() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonScanner::take(char punctuation) {
  if (peek() != punctuation || at_ == text_.size()) return false;
  ++at_;
  return true;
}

bool JsonScanner::expect(char punctuation) {
  if (take(punctuation)) return true;
  switch (punctuation) {
    case ':':
      return fault("expected ':'");
    case '}':
      return fault("expected ',' or '}'");
    case ']':
      return fault("expected ',' or ']'");
    case '{':
      return fault("expected an object");
    case '[':
      return fault("expected an array");
    default:
      return fault("unexpected character");
  }
}

bool JsonScanner::expect_end() {
  static_cast<void>(peek());
  return at_ == text_.size() || fault("unexpected text behind the value");
}

bool JsonScanner::string(std::string_view& token) {
  if (peek() != '"') return fault("expected a string");
  const std::size_t begin = at_;
  if (!skip_string()) return false;
  token = text_.substr(begin, at_ - begin);
  return true;
}

bool JsonScanner::scalar(std::string_view& token) {
  static_cast<void>(peek());
  const std::size_t begin = at_;
  for (const std::string_view word : {"true", "false", "null"}) {
    if (!text_.substr(at_).starts_with(word)) continue;
    at_ += word.size();
    token = word;
    return true;
  }
  if (!skip_number()) return false;
  token = text_.substr(begin, at_ - begin);
  return true;
}

bool JsonScanner::value(std::string_view& raw, std::size_t depth) {
  static_cast<void>(peek());
  const std::size_t begin = at_;
  if (!skip_value(depth)) return false;
  raw = text_.substr(begin, at_ - begin);
  return true;
}

bool JsonScanner::enter(std::size_t depth) {
  if (depth < limits::kJsonDepthMax) return true;
  limit_ = &LimitCounters::json_depth_max;
  return fault("nested too deep");
}

bool JsonScanner::fault(const char* why) {
  why_ = why;
  return false;
}

Error JsonScanner::error() const {
  return Error{.code = ErrorCode::BadRequest,
               .detail = "invalid JSON at byte " + std::to_string(at_) + ": " + why_,
               .limit = limit_};
}

// Recursion is bounded by kJsonDepthMax.
bool JsonScanner::skip_value(std::size_t depth) {
  switch (peek()) {
    case '{':
      return skip_object(depth);
    case '[':
      return skip_array(depth);
    case '"':
      return skip_string();
    default:
      std::string_view token;
      return scalar(token);
  }
}

bool JsonScanner::skip_array(std::size_t depth) {
  if (!enter(depth)) return false;
  ++at_;
  if (take(']')) return true;
  do {
    if (!skip_value(depth + 1)) return false;
  } while (take(','));
  return expect(']');
}

bool JsonScanner::skip_object(std::size_t depth) {
  if (!enter(depth)) return false;
  ++at_;
  if (take('}')) return true;
  std::string_view name;
  do {
    if (!string(name) || !expect(':') || !skip_value(depth + 1)) return false;
  } while (take(','));
  return expect('}');
}

bool JsonScanner::skip_string() {
  ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (kPlain[static_cast<unsigned char>(c)]) {
      ++at_;
    } else if (c == '"') {
      ++at_;
      return true;
    } else if (c == '\\') {
      if (!skip_escape()) return false;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      return fault("a control character in a string must be escaped");
    } else {
      const std::size_t length = utf8_sequence(text_, at_);
      if (length == 0) return fault("not UTF-8");
      at_ += length;
    }
  }
  return fault("the string has no end");
}

bool JsonScanner::read_hex4(unsigned& unit) {
  const std::string_view digits = text_.substr(at_).substr(0, 4);
  if (digits.size() < 4 || !std::ranges::all_of(digits, [](char c) { return hex_value(c) >= 0; })) {
    return fault("\\u takes four hexadecimal digits");
  }
  unit = hex4(digits);
  at_ += 4;
  return true;
}

bool JsonScanner::skip_escape() {
  constexpr std::string_view kShort = "\"\\/bfnrt";
  ++at_;
  if (at_ == text_.size()) return fault("the string has no end");
  const char letter = text_[at_];
  if (kShort.find(letter) != std::string_view::npos) {
    ++at_;
    return true;
  }
  if (letter != 'u') return fault("unknown escape");
  ++at_;
  unsigned unit = 0;
  if (!read_hex4(unit)) return false;
  if (is_low_surrogate(unit)) return fault("a surrogate without its pair");
  if (!is_high_surrogate(unit)) return true;
  if (!text_.substr(at_).starts_with("\\u")) return fault("a surrogate without its pair");
  at_ += 2;
  if (!read_hex4(unit)) return false;
  return is_low_surrogate(unit) || fault("a surrogate without its pair");
}

bool JsonScanner::skip_digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ > begin || fault(at_ == text_.size() ? "unexpected end" : "expected a digit");
}

bool JsonScanner::skip_number() {
  const auto next = [this] { return at_ < text_.size() ? text_[at_] : '\0'; };
  if (next() != '-' && !is_digit(next())) {
    return fault(at_ == text_.size() ? "unexpected end" : "expected a value");
  }
  if (next() == '-') ++at_;
  if (next() == '0') {
    ++at_;
    if (is_digit(next())) return fault("a number must not begin with 0");
  } else if (!skip_digits()) {
    return false;
  }
  if (next() == '.') {
    ++at_;
    if (!skip_digits()) return false;
  }
  if (next() == 'e' || next() == 'E') {
    ++at_;
    if (next() == '+' || next() == '-') ++at_;
    if (!skip_digits()) return false;
  }
  return true;
}

std::string unescape_json_string(std::string_view token) {
  const std::string_view inside = token.substr(1, token.size() - 2);
  std::string out;
  out.reserve(inside.size());
  std::size_t at = 0;
  while (at < inside.size()) {
    const std::size_t escape = std::min(inside.find('\\', at), inside.size());
    out += inside.substr(at, escape - at);
    if (escape == inside.size()) break;
    if (inside[escape + 1] != 'u') {
      out += short_escape(inside[escape + 1]);
      at = escape + 2;
      continue;
    }
    char32_t code_point = hex4(inside.substr(escape + 2));
    at = escape + 6;
    if (is_high_surrogate(code_point)) {
      const unsigned low = hex4(inside.substr(at + 2));
      code_point = 0x10000U + ((code_point - 0xD800U) << 10U) + (low - 0xDC00U);
      at += 6;
    }
    append_utf8(out, code_point);
  }
  return out;
}

}  // namespace tako
