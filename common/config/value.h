// A configuration value on its way from text or TOML into a member of Config, and its rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tako::config {

using Value =
    std::variant<std::string, std::int64_t, std::vector<std::string>, std::vector<std::int64_t>>;
enum class Kind : std::uint8_t { Text, Integer, TextList, IntegerList };

// Where a value goes: a member of Config or AppConfig.
using Slot = std::variant<std::string*, std::int64_t*, std::size_t*, std::vector<std::string>*,
                          std::vector<std::uint32_t>*>;
[[nodiscard]] Kind kind_of(const Slot& slot);

// "" when `text` is right, else what is expected ("ADDR:PORT, …").
using Check = std::string (*)(const std::string& text);

struct Rule {
  Check check = nullptr;  // of a text, or of each element of a list
  std::int64_t min = 0;   // of an integer
  std::int64_t max = 0;
};

// Errors: "expected an integer from 1 to 64, got 0". A failed set leaves the slot as it was.
[[nodiscard]] std::expected<void, std::string> set(const Slot& slot, const Rule& rule,
                                                   const Value& value);
// Reads the texts of an option or of an environment variable: one for Text and Integer.
[[nodiscard]] std::expected<Value, std::string> parse_value(std::span<const std::string> texts,
                                                            Kind kind);
// "an integer from 1 to 64", "a list of texts".
[[nodiscard]] std::string expectation(Kind kind, const Rule& rule);

// As TOML prints it, on one line: `"a"`, `5`, `["a", "b"]`.
[[nodiscard]] std::string to_toml(const Slot& slot);
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace tako::config
