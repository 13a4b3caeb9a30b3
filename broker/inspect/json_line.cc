// Splices values that are JSON already; what a terminal would act on is escaped in the end.
#include "broker/inspect/json_line.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "common/base64.h"
#include "common/json_text.h"

namespace tako::broker {
namespace {

constexpr char kDelete = '\x7f';
constexpr char kC1Lead = '\xc2';  // of U+0080 to U+009F in UTF-8, and then 80 to 9F

void append_escape(std::string& out, unsigned code_point) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[code_point >> 4U];
  out += kDigits[code_point & 0xfU];
}

// JSON escapes what is below U+0020. The other control characters stand inside strings only, where
// an escape means the same.
std::string escape_controls(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const unsigned next = i + 1 < json.size() ? static_cast<unsigned char>(json[i + 1]) : 0;
    if (json[i] == kDelete) {
      append_escape(out, 0x7f);
    } else if (json[i] == kC1Lead && next >= 0x80 && next < 0xa0) {
      append_escape(out, next);
      ++i;
    } else {
      out += json[i];
    }
  }
  return out;
}

}  // namespace

void JsonLine::begin_member(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  append_json_string(out_, name);
  out_ += ':';
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  begin_member(name);
  append_json_string(out_, value);
  return *this;
}

JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
  begin_member(name);
  out_ += std::to_string(value);
  return *this;
}

JsonLine& JsonLine::flag(std::string_view name, bool value) {
  begin_member(name);
  out_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::time(std::string_view name, std::int64_t unix_ms) {
  return text(name, utc_time(unix_ms));
}

JsonLine& JsonLine::json(std::string_view name, std::string_view json) {
  if (!check_json(json)) return text(name, json);
  begin_member(name);
  out_ += minify_json(json);
  return *this;
}

JsonLine& JsonLine::message(const StoredMessage& message) {
  text("type", message.type());
  const bool is_json = message.encoding() == Encoding::Json && check_json(message.data());
  const bool is_text = message.encoding() == Encoding::Text;
  if (is_json) {
    json("data", message.data());
  } else {
    text("data", is_text ? std::string(message.data()) : base64_encode(message.data()));
  }
  if (!message.subject().empty()) text("subject", message.subject());
  if (!is_json && !is_text) text("encoding", "base64");
  return *this;
}

std::string JsonLine::take() {
  out_ += '}';
  return escape_controls(std::exchange(out_, "{"));
}

std::string utc_time(std::int64_t unix_ms) {
  constexpr std::int64_t kSecond = 1'000;
  const std::int64_t rest_ms = (unix_ms % kSecond + kSecond) % kSecond;
  const std::time_t seconds = (unix_ms - rest_ms) / kSecond;
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(unix_ms);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(rest_ms));
  return std::string(text.data(), size) + fraction.data();
}

}  // namespace tako::broker
