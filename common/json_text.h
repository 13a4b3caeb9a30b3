// JSON as text: checked strictly (RFC 8259, UTF-8), minified and spliced without being re-printed.
//
// cJSON accepts trailing garbage and bad UTF-8 and loses digits above 2^53, so what a publisher
// sends is cut out of the text instead, byte for byte but for white space between tokens.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base64.h"
#include "common/result.h"
#include "common/utf8.h"

namespace tako {

// Appends `text` quoted and escaped (RFC 8785 form: shortest escapes, lower-case hex). A byte that
// is not UTF-8 becomes U+FFFD, so that the output is JSON whatever the input.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

// One member of an object, as slices of the input: `raw` is the whole value with its inner space.
struct JsonMember {
  std::string name;      // unescaped
  std::string_view raw;  // trimmed
};

// Checks the whole text (json_scanner.h: syntax, UTF-8, no lone surrogates; depth <= kJsonDepthMax)
// and gives the top level's members, whose names must be unique and without \u0000.
// Errors: BadRequest with the byte position.
[[nodiscard]] Result<std::vector<JsonMember>> split_json_object(std::string_view text);
// The same for an array: its elements, at most `count_max` (BadRequest above).
[[nodiscard]] Result<std::vector<std::string_view>> split_json_array(std::string_view text,
                                                                     std::size_t count_max);
// Checks any JSON value. Errors: BadRequest with the byte position.
[[nodiscard]] Result<void> check_json(std::string_view text);

// Finds a member; nullptr when absent.
[[nodiscard]] const JsonMember* find_member(const std::vector<JsonMember>& members,
                                            std::string_view name);
// The value as a string/integer/boolean, if it is one. An integer is written without fraction and
// exponent and fits 64 bits. `raw` is trimmed and checked, as the splitters give it.
[[nodiscard]] std::optional<std::string> json_string_value(std::string_view raw);
[[nodiscard]] std::optional<std::int64_t> json_integer_value(std::string_view raw);
[[nodiscard]] std::optional<bool> json_bool_value(std::string_view raw);

// Removes white space between tokens of a checked text; tokens stay byte for byte.
[[nodiscard]] std::string minify_json(std::string_view checked);
// RFC 8785: members sorted by UTF-16 units, numbers as ECMAScript prints them. Checks like
// check_json. Errors: BadRequest, also for a repeated name and a number too large for a double.
[[nodiscard]] Result<std::string> canonical_json(std::string_view text);

}  // namespace tako
