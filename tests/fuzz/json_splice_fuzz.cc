// JSON text: what we accept cJSON accepts with the same meaning, also after splitting, minifying
// and canonical printing.
#include <cjson/cJSON.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/check.h"
#include "common/json_text.h"

namespace {

struct DeleteTree {
  void operator()(cJSON* tree) const { cJSON_Delete(tree); }
};
using Tree = std::unique_ptr<cJSON, DeleteTree>;

Tree parse_tree(std::string_view text) {
  // cJSON wants the end marked by a NUL to refuse what stands behind the value.
  const std::string terminated(text);
  return Tree(cJSON_ParseWithLengthOpts(terminated.c_str(), terminated.size() + 1, nullptr, 1));
}

// cJSON reads numbers through a buffer of 63 characters and gives up on longer ones.
bool has_long_number(std::string_view text) {
  constexpr std::size_t kNumberMax = 63;
  std::size_t run = 0;
  for (const char c : text) {
    run = std::string_view("0123456789+-.eE").find(c) == std::string_view::npos ? 0 : run + 1;
    if (run > kNumberMax) return true;
  }
  return false;
}

bool is_equal(const Tree& a, const Tree& b) { return cJSON_Compare(a.get(), b.get(), 1) != 0; }

void check_against_tree(std::string_view text) {
  const Tree tree = parse_tree(text);
  TAKO_CHECK(tree != nullptr);
  const std::string minified = tako::minify_json(text);
  TAKO_CHECK(tako::minify_json(minified) == minified);
  TAKO_CHECK(minified.find('\n') == std::string::npos);
  const Tree same = parse_tree(minified);
  TAKO_CHECK(same != nullptr);
  const auto canonical = tako::canonical_json(text);
  if (canonical) {
    TAKO_CHECK(tako::canonical_json(*canonical) == *canonical);
    TAKO_CHECK(tako::canonical_json(minified) == *canonical);
  }
  // Repeated names and infinities are not even equal to themselves there.
  if (!is_equal(tree, parse_tree(text))) return;
  TAKO_CHECK(is_equal(tree, same));
  if (canonical) TAKO_CHECK(is_equal(tree, parse_tree(*canonical)));
}

// Members cut out and put together again are the object they came from.
void check_object(std::string_view text) {
  const auto members = tako::split_json_object(text);
  if (!members) return;
  std::string joined = "{";
  for (const tako::JsonMember& member : *members) {
    if (joined.size() > 1) joined += ',';
    tako::append_json_string(joined, member.name);
    joined += ':';
    joined += member.raw;
    TAKO_CHECK(tako::check_json(member.raw).has_value());
    TAKO_CHECK(tako::find_member(*members, member.name) == &member);
  }
  joined += '}';
  const auto again = tako::split_json_object(joined);
  TAKO_CHECK(again.has_value());
  TAKO_CHECK(again->size() == members->size());
  const auto canonical = tako::canonical_json(text);
  TAKO_CHECK(tako::canonical_json(joined).has_value() == canonical.has_value());
  if (canonical) TAKO_CHECK(tako::canonical_json(joined) == *canonical);
}

void check_array(std::string_view text) {
  const auto elements = tako::split_json_array(text, text.size());
  if (!elements) return;
  std::string joined = "[";
  for (const std::string_view element : *elements) {
    if (joined.size() > 1) joined += ',';
    joined += tako::minify_json(element);
  }
  TAKO_CHECK(joined + ']' == tako::minify_json(text));
}

// Any bytes become a JSON string, and valid ones come back from it.
void check_quoting(std::string_view bytes) {
  const std::string quoted = tako::json_string(bytes);
  TAKO_CHECK(tako::check_json(quoted).has_value());
  const auto back = tako::json_string_value(quoted);
  TAKO_CHECK(back.has_value());
  TAKO_CHECK((*back == bytes) == tako::is_valid_utf8(bytes));
  TAKO_CHECK(tako::base64_decode(tako::base64_encode(bytes)) == bytes);
  if (const auto decoded = tako::base64_decode(bytes); decoded) {
    TAKO_CHECK(tako::base64_encode(*decoded) == bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_quoting(text);
  const bool accepted = tako::check_json(text).has_value();
  const auto canonical = tako::canonical_json(text);
  if (!accepted) {
    TAKO_CHECK(!canonical.has_value());
    TAKO_CHECK(!tako::split_json_object(text).has_value());
    TAKO_CHECK(!tako::split_json_array(text, size).has_value());
    return 0;
  }
  TAKO_CHECK(tako::is_valid_utf8(text));
  if (!has_long_number(text)) check_against_tree(text);
  check_object(text);
  check_array(text);
  return 0;
}
