// UTF-8 as RFC 3629 allows it, and nothing else.
#include "common/utf8.h"

#include <doctest/doctest.h>

#include <string>

namespace tako {

TEST_CASE("well-formed UTF-8 of every length is valid, at every alignment") {
  for (std::size_t pad = 0; pad < 17; ++pad) {
    CHECK(
        is_valid_utf8(std::string(pad, 'a') + "\x7F\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF"));
  }
  CHECK(is_valid_utf8(""));
}

TEST_CASE("each malformed form is refused, wherever it stands") {
  const std::string_view malformed[] = {
      "\x80",              // a continuation without a lead
      "\xC0\x80",          // overlong NUL
      "\xC1\xBF",          // overlong
      "\xC2",              // cut
      "\xE0\x9F\xBF",      // overlong
      "\xED\xA0\x80",      // U+D800
      "\xED\xBF\xBF",      // U+DFFF
      "\xE2\x82",          // cut
      "\xF0\x8F\xBF\xBF",  // overlong
      "\xF4\x90\x80\x80",  // U+110000
      "\xF0\x9F\x98",      // cut
      "\xF5\x80\x80\x80",
      "\xFF",
      "\xC2\x41",
      "\xE2\x82\x41",
      "\xF0\x9F\x98\x41",
  };
  for (const std::string_view bad : malformed) {
    for (std::size_t pad = 0; pad < 17; ++pad) {
      CHECK_FALSE(is_valid_utf8(std::string(pad, 'a') + std::string(bad)));
      CHECK_FALSE(is_valid_utf8(std::string(pad, 'a') + std::string(bad) + "\u00E9zzzzzzzz"));
    }
  }
}

TEST_CASE("every scalar value is written, read back, and counts as one character") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(text, c);
    const bool whole = utf8_sequence(text, 0) == text.size();
    if (!whole || count_code_points(text) != 1) FAIL("at " << static_cast<std::uint32_t>(c));
  }
  CHECK(count_code_points("a\u00E9\u20AC\U0001F600") == 4);
}

}  // namespace tako
