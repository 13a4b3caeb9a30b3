// Base64: the vectors of RFC 4648 §10, and the refusal of everything with two spellings.
#include "common/base64.h"

#include <doctest/doctest.h>

namespace tako {

TEST_CASE("the vectors of RFC 4648 encode and decode") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF", "+/8="},
  };
  for (const auto& [bytes, text] : vectors) {
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == bytes);
  }
}

TEST_CASE("every byte in every place of a group comes back") {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t pad = 0; pad < 4; ++pad) {
      const std::string bytes = std::string(pad, 'x') + static_cast<char>(byte);
      CHECK(base64_decode(base64_encode(bytes)) == bytes);
    }
  }
}

TEST_CASE("text that is not the one spelling is refused") {
  for (const std::string_view text :
       {"Zg", "Zg=", "Zg===", "Z", "====", "=AAA", "Z===", "Zm=v", "Zm9v\n", "Zm 9",
        "Zg==Zg==", "-_8=", "Zh==", "Zm9=", "Zm9v=", "Zm\xC3\xA9"}) {
    CHECK_MESSAGE(base64_decode(text) == std::nullopt, text);
  }
}

}  // namespace tako
