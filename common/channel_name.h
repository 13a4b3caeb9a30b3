// Names, types and channel keys: what is allowed, and the one canonical form of a channel's key.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/params.h"
#include "common/result.h"

namespace tako {

// 1-200 characters of A-Z a-z 0-9 _ - . : / = @ , ; (protocol document §1).
[[nodiscard]] bool is_channel_name(std::string_view name);
// A definition's name: a channel name that may end in `*`.
[[nodiscard]] bool is_definition_name(std::string_view name);
// 1-128 characters, valid UTF-8 without control characters, not beginning with `tako.`.
[[nodiscard]] bool is_message_type(std::string_view type);
// More characters than a type may have, whatever else is wrong with it: the bound's own question.
[[nodiscard]] bool is_long_message_type(std::string_view type);

// The channel's key: `name`, or `name?k=v&k2=v2` with names sorted by bytes, every name and value
// percent-encoded (RFC 3986 unreserved stay), values in their canonical text (params.h): equal
// typed values give equal keys, different ones different keys. `params` are those that partition.
[[nodiscard]] std::string make_channel_key(std::string_view name, const Params& params);

// Unique over all apps: the app's id and the key, length-prefixed, so that no two pairs collide.
[[nodiscard]] std::string make_qualified_key(std::string_view app, std::string_view key);
// The two it was made of: views into it. Of another text: two empty ones.
[[nodiscard]] std::pair<std::string_view, std::string_view> split_qualified_key(
    std::string_view qualified);

// Percent-decodes once; `+` stays a plus. Errors: BadRequest for broken escapes or bad UTF-8.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace tako
