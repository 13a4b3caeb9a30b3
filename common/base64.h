// Base64 in the standard alphabet with padding (RFC 4648 §4): binary data inside JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tako {

[[nodiscard]] std::string base64_encode(std::string_view bytes);
// nullopt for anything that base64_encode would not print: other alphabets, missing padding,
// white space, and trailing bits that are not zero (two texts for the same bytes).
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace tako
