// RFC 8785: one text for every JSON value, so that equal values are equal bytes.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_number.h"
#include "common/json_scanner.h"
#include "common/json_text.h"

namespace tako {
namespace {

struct CanonicalMember {
  std::string name;
  std::string value;
};

// Orders UTF-8 as its UTF-16 units order (RFC 8785 §3.2.3). Bytes order as code points do, and the
// two differ only where a surrogate pair (4 bytes here) meets U+E000…U+FFFF (lead 0xEE, 0xEF).
bool utf16_less(std::string_view a, std::string_view b) {
  const auto [at_a, at_b] = std::ranges::mismatch(a, b);
  if (at_a == a.end() || at_b == b.end()) return a.size() < b.size();
  const auto byte_a = static_cast<unsigned char>(*at_a);
  const auto byte_b = static_cast<unsigned char>(*at_b);
  const auto rank = [](unsigned char lead) {
    if (lead >= 0xF0) return 1;
    return lead >= 0xEE ? 2 : 0;
  };
  if (rank(byte_a) != rank(byte_b) && byte_a >= 0xEE && byte_b >= 0xEE) {
    return rank(byte_a) < rank(byte_b);
  }
  return byte_a < byte_b;
}

class Canonicalizer {
 public:
  explicit Canonicalizer(std::string_view text) : scanner_(text) {}

  Result<std::string> run() {
    std::string out;
    if (!value(out, 0) || !scanner_.expect_end()) return std::unexpected(scanner_.error());
    return out;
  }

 private:
  // Recursion is bounded by kJsonDepthMax.
  bool value(std::string& out, std::size_t depth) {
    switch (scanner_.peek()) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case '"':
        return string(out);
      default:
        return scalar(out);
    }
  }

  bool string(std::string& out) {
    std::string_view token;
    if (!scanner_.string(token)) return false;
    append_json_string(out, unescape_json_string(token));
    return true;
  }

  bool scalar(std::string& out) {
    std::string_view token;
    if (!scanner_.scalar(token)) return false;
    const char first = token.front();
    if (first == 't' || first == 'f' || first == 'n') {
      out += token;
      return true;
    }
    const auto number = parse_number(token);
    if (!number) return scanner_.fault("the number is too large");
    append_number(out, *number);
    return true;
  }

  bool array(std::string& out, std::size_t depth) {
    if (!scanner_.enter(depth) || !scanner_.expect('[')) return false;
    out += '[';
    if (!scanner_.take(']')) {
      if (!value(out, depth + 1)) return false;
      while (scanner_.take(',')) {
        out += ',';
        if (!value(out, depth + 1)) return false;
      }
      if (!scanner_.expect(']')) return false;
    }
    out += ']';
    return true;
  }

  bool members(std::vector<CanonicalMember>& found, std::size_t depth) {
    if (!scanner_.enter(depth) || !scanner_.expect('{')) return false;
    if (scanner_.take('}')) return true;
    do {
      std::string_view name;
      if (!scanner_.string(name) || !scanner_.expect(':')) return false;
      found.push_back({.name = unescape_json_string(name), .value = {}});
      if (!value(found.back().value, depth + 1)) return false;
    } while (scanner_.take(','));
    return scanner_.expect('}');
  }

  bool object(std::string& out, std::size_t depth) {
    std::vector<CanonicalMember> found;
    if (!members(found, depth)) return false;
    std::ranges::sort(found, utf16_less, &CanonicalMember::name);
    if (std::ranges::adjacent_find(found, {}, &CanonicalMember::name) != found.end()) {
      return scanner_.fault("a member's name occurs twice");
    }
    out += '{';
    bool first = true;
    for (const CanonicalMember& member : found) {
      if (!first) out += ',';
      first = false;
      append_json_string(out, member.name);
      out += ':';
      out += member.value;
    }
    out += '}';
    return true;
  }

  JsonScanner scanner_;
};

}  // namespace

Result<std::string> canonical_json(std::string_view text) { return Canonicalizer(text).run(); }

}  // namespace tako
