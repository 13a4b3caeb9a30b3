// Checks names and types, and builds keys.
#include "common/channel_name.h"

#include <algorithm>
#include <charconv>

#include "common/ascii.h"
#include "common/limits.h"
#include "common/utf8.h"

namespace tako {
namespace {

using ascii::hex_value;
using ascii::is_alphanumeric;

bool is_name_character(char c) {
  return is_alphanumeric(c) || std::string_view("_-.:/=@,;").find(c) != std::string_view::npos;
}

// RFC 3986 §2.3.
bool is_unreserved(char c) {
  return is_alphanumeric(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";  // RFC 3986 §2.1 prefers upper case
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 15U];
  }
}

// C0, DEL and C1: U+0000…U+001F, U+007F…U+009F.
bool has_control_character(std::string_view utf8) {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    if (byte == 0xC2 && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

}  // namespace

bool is_channel_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::kChannelNameMax &&
         std::ranges::all_of(name, is_name_character);
}

bool is_definition_name(std::string_view name) {
  if (!name.ends_with('*')) return is_channel_name(name);
  const std::string_view prefix = name.substr(0, name.size() - 1);
  return prefix.empty() || (name.size() <= limits::kChannelNameMax && is_channel_name(prefix));
}

bool is_message_type(std::string_view type) {
  return !type.empty() && is_valid_utf8(type) && !is_long_message_type(type) &&
         !has_control_character(type) && !type.starts_with("tako.");
}

bool is_long_message_type(std::string_view type) {
  return is_valid_utf8(type) && count_code_points(type) > limits::kMessageTypeMax;
}

std::string make_channel_key(std::string_view name, const Params& params) {
  std::string key(name);
  char separator = '?';
  for (const auto& [param, value] : params) {
    key += separator;
    separator = '&';
    append_percent_encoded(key, param);
    key += '=';
    append_percent_encoded(key, canonical_text(value));
  }
  return key;
}

std::string make_qualified_key(std::string_view app, std::string_view key) {
  std::string qualified = std::to_string(app.size());
  qualified += ':';
  qualified += app;
  qualified += key;
  return qualified;
}

std::pair<std::string_view, std::string_view> split_qualified_key(std::string_view qualified) {
  std::size_t size = 0;
  const auto [end, error] =
      std::from_chars(qualified.data(), qualified.data() + qualified.size(), size);
  const auto digits = static_cast<std::size_t>(end - qualified.data());
  if (error != std::errc() || digits >= qualified.size() || qualified[digits] != ':') return {};
  const std::string_view rest = qualified.substr(digits + 1);
  if (size > rest.size()) return {};
  return {rest.substr(0, size), rest.substr(size)};
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(ErrorCode::BadRequest, "a % that two hexadecimal digits do not follow");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!is_valid_utf8(out)) return fail(ErrorCode::BadRequest, "percent-encoded text is not UTF-8");
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_percent_encoded(out, text);
  return out;
}

}  // namespace tako
