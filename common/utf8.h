// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tako {

// Bytes of the well-formed sequence that begins at `at`; 0 when there is none. `at` is inside.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text, std::size_t at);
[[nodiscard]] bool is_valid_utf8(std::string_view text);
// Code points of valid text: what people and JSON Schema count as characters.
[[nodiscard]] std::size_t count_code_points(std::string_view valid);
// `code_point` is a scalar value: at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, char32_t code_point);

}  // namespace tako
