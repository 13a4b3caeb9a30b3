// JSON numbers: read exactly, printed as ECMAScript prints them (RFC 8785 §3.2.2.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tako {

// Whole decimal text, optional minus, no plus, fraction or exponent; nullopt outside 64 bits.
// Leading zeros are refused as JSON refuses them; `-0` is 0.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);
// A JSON number; nullopt when it is none or too large for a double. `-0` is 0.
[[nodiscard]] std::optional<double> parse_number(std::string_view text);
// ECMAScript's Number::toString: 1e21, 0.000001, 1e-7, 100; `finite` is finite, -0 prints 0.
void append_number(std::string& out, double finite);

}  // namespace tako
