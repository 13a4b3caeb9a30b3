// Splits, minifies and quotes JSON text.
#include "common/json_text.h"

#include <algorithm>
#include <array>

#include "common/json_number.h"
#include "common/json_scanner.h"

namespace tako {
namespace {

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4U];
      out += kHex[static_cast<unsigned char>(c) & 15U];
  }
}

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Sorting first keeps an object of many members from costing the square of their number.
const std::string* repeated_name(const std::vector<JsonMember>& members) {
  std::vector<const std::string*> names;
  names.reserve(members.size());
  for (const JsonMember& member : members) names.push_back(&member.name);
  const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
  const auto equal = [](const std::string* a, const std::string* b) { return *a == *b; };
  std::ranges::sort(names, less);
  const auto found = std::ranges::adjacent_find(names, equal);
  return found == names.end() ? nullptr : *found;
}

bool scan_members(JsonScanner& scanner, std::vector<JsonMember>& members) {
  if (!scanner.expect('{')) return false;
  if (!scanner.take('}')) {
    do {
      std::string_view name;
      std::string_view raw;
      if (!scanner.string(name) || !scanner.expect(':') || !scanner.value(raw, 1)) return false;
      members.push_back({.name = unescape_json_string(name), .raw = raw});
      if (members.back().name.find('\0') != std::string::npos) {
        return scanner.fault("\\u0000 in a member's name");
      }
    } while (scanner.take(','));
    if (!scanner.expect('}')) return false;
  }
  return scanner.expect_end();
}

bool scan_elements(JsonScanner& scanner, std::vector<std::string_view>& elements,
                   std::size_t count_max) {
  if (!scanner.expect('[')) return false;
  if (!scanner.take(']')) {
    do {
      if (elements.size() == count_max) return scanner.fault("too many elements");
      std::string_view raw;
      if (!scanner.value(raw, 1)) return false;
      elements.push_back(raw);
    } while (scanner.take(','));
    if (!scanner.expect(']')) return false;
  }
  return scanner.expect_end();
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // where the run begins that is copied as it is
  for (std::size_t at = 0; at < text.size();) {
    const bool is_ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::size_t length = is_ascii ? 1 : utf8_sequence(text, at);
    if (length != 0 && !needs_escape(text[at])) {
      at += length;
      continue;
    }
    out += text.substr(plain, at - plain);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      append_escaped(out, text[at]);
    }
    plain = ++at;
  }
  out += text.substr(plain);
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_json_string(out, text);
  return out;
}

Result<std::vector<JsonMember>> split_json_object(std::string_view text) {
  JsonScanner scanner(text);
  std::vector<JsonMember> members;
  if (!scan_members(scanner, members)) return std::unexpected(scanner.error());
  if (const std::string* name = repeated_name(members); name != nullptr) {
    return fail(ErrorCode::BadRequest,
                "invalid JSON: the member " + json_string(*name) + " occurs twice");
  }
  return members;
}

Result<std::vector<std::string_view>> split_json_array(std::string_view text,
                                                       std::size_t count_max) {
  JsonScanner scanner(text);
  std::vector<std::string_view> elements;
  if (!scan_elements(scanner, elements, count_max)) return std::unexpected(scanner.error());
  return elements;
}

Result<void> check_json(std::string_view text) {
  JsonScanner scanner(text);
  std::string_view raw;
  if (!scanner.value(raw, 0) || !scanner.expect_end()) return std::unexpected(scanner.error());
  return {};
}

const JsonMember* find_member(const std::vector<JsonMember>& members, std::string_view name) {
  const auto found = std::ranges::find(members, name, &JsonMember::name);
  return found == members.end() ? nullptr : &*found;
}

std::optional<std::string> json_string_value(std::string_view raw) {
  JsonScanner scanner(raw);
  std::string_view token;
  if (!scanner.string(token) || !scanner.expect_end()) return std::nullopt;
  return unescape_json_string(token);
}

std::optional<std::int64_t> json_integer_value(std::string_view raw) { return parse_integer(raw); }

std::optional<bool> json_bool_value(std::string_view raw) {
  if (raw == "true") return true;
  if (raw == "false") return false;
  return std::nullopt;
}

std::string minify_json(std::string_view checked) {
  std::string out;
  out.reserve(checked.size());
  std::size_t begin = 0;  // where the run begins that is copied as it is
  bool in_string = false;
  for (std::size_t at = 0; at < checked.size(); ++at) {
    const char c = checked[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      out += checked.substr(begin, at - begin);
      begin = at + 1;
    }
  }
  out += checked.substr(begin);
  return out;
}

}  // namespace tako
