// Typed params of a channel: decoded from a query or from JSON, printed in canonical form (RFC
// 8785).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.h"

namespace tako {

// Canonical JSON text (RFC 8785) of an array or object param.
struct JsonValue {
  std::string canonical;
  friend bool operator==(const JsonValue&, const JsonValue&) = default;
};
using ParamValue = std::variant<std::string, std::int64_t, double, bool, JsonValue>;
// Sorted by name (bytes). std::less<> so that string_views find without a copy.
using Params = std::map<std::string, ParamValue, std::less<>>;

struct QueryPair {
  std::string name;
  std::string value;
};

// Splits at `&` and the first `=`, `+` is a space, percent-decodes. Order and duplicates are kept.
// Errors: ParamsInvalid for broken escapes, bad UTF-8, U+0000 in a name, or more pairs than
// kQueryPairsMax.
[[nodiscard]] Result<std::vector<QueryPair>> split_query(std::string_view raw_query);

// The pairs that are params: without names beginning with `_` and without `last_message_id`; of
// duplicates the last wins. Values are still text; ParamsSchema::check types them.
[[nodiscard]] std::map<std::string, std::string, std::less<>> params_text(
    const std::vector<QueryPair>& pairs);
// Names that a query uses for itself: those that begin with `_`, and `last_message_id`.
[[nodiscard]] bool is_reserved_param(std::string_view name);
// The last value of a `_` option or of `last_message_id`; nullptr when absent.
[[nodiscard]] const std::string* query_value(const std::vector<QueryPair>& pairs,
                                             std::string_view name);

// The canonical text of one value: a string as it is, integers as exact decimals (ECMAScript would
// round them above 2^53, and two channels would share a key), other numbers as ECMAScript prints
// them, true/false, JSON text.
[[nodiscard]] std::string canonical_text(const ParamValue& value);
// Params as one JSON object, names sorted, for the authorize callback and GET /v1/channels.
[[nodiscard]] std::string params_json(const Params& params);

}  // namespace tako
