// A compiled JSON Schema of the subset that params_schema.h names: nodes, and the check of a value.
//
// Own code over json_scanner.h, for three reasons. valijson, the packaged validator, ignores
// keywords that it does not know, so an app would believe in a rule that nobody checks. It matches
// patterns with std::regex, which a short text can hold for minutes. And a tree of cJSON loses
// digits above 2^53 and cuts strings at \u0000, where two channels could come to share a key.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_format.h"
#include "common/result.h"

namespace tako {

enum class JsonKind : std::uint8_t { Null, Boolean, Integer, Number, String, Array, Object };

// The kind of a checked, trimmed value. Integer: a number without a fraction, `1.0` and `1e3` too.
[[nodiscard]] JsonKind json_kind(std::string_view raw);
// "a string", "an integer", …
[[nodiscard]] std::string_view kind_noun(JsonKind kind);

// A text that two values share if and only if they are equal: RFC 8785, but integers of 64 bits
// keep all their digits. nullopt for what has no canonical form (json_text.h).
[[nodiscard]] std::optional<std::string> comparable_json(std::string_view raw);

struct NumberRules {
  // long double holds every 64-bit integer and every double exactly.
  std::optional<long double> minimum;
  std::optional<long double> maximum;
  std::optional<long double> exclusive_minimum;
  std::optional<long double> exclusive_maximum;
  std::optional<long double> multiple_of;
};

struct StringRules {
  std::size_t length_min = 0;  // code points
  std::size_t length_max = std::numeric_limits<std::size_t>::max();
  std::unique_ptr<const re2::RE2> pattern;
  FormatCheck format = nullptr;
  std::string format_name;
};

struct JsonSchema;

struct ArrayRules {
  std::size_t items_min = 0;
  std::size_t items_max = std::numeric_limits<std::size_t>::max();
  bool unique = false;
  std::unique_ptr<const JsonSchema> items;  // nullptr: any
};

struct ObjectRules {
  std::map<std::string, std::unique_ptr<const JsonSchema>, std::less<>> properties;
  std::set<std::string, std::less<>> required;
  bool additional = true;
};

struct JsonSchema {
  std::vector<JsonKind> kinds;  // as `type` lists them, or those of enum and const; empty: any
  std::optional<std::vector<std::string>> allowed;  // enum or const, as comparable_json
  NumberRules number;
  StringRules string;
  ArrayRules array;
  ObjectRules object;
  std::vector<std::unique_ptr<const JsonSchema>> any_of;  // alone: no other rule stands beside it
};

struct CompiledSchema {
  std::unique_ptr<const JsonSchema> root;
  std::size_t pattern_count = 0;
};

// `where` begins the texts of errors, such as `paramsSchema`.
// Errors: DefinitionInvalid, naming the place and the keyword.
[[nodiscard]] Result<CompiledSchema> compile_json_schema(std::string_view schema_json,
                                                         std::string_view where);

// Why the checked value does not fit, as `<path> must be …`; nullopt when it does.
[[nodiscard]] std::optional<std::string> why_refused(const JsonSchema& schema, std::string_view raw,
                                                     const std::string& path);
// `<path> must be one of …`, or that it fits none of the forms: for `anyOf`.
[[nodiscard]] std::string why_none_fits(const JsonSchema& schema, const std::string& path);

}  // namespace tako
