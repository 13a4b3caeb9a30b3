// Answers of the app API, and the JSON of stored messages in them.
#pragma once

#include <string>
#include <string_view>

#include "broker/channel/api_handler.h"
#include "broker/channel/publisher.h"
#include "common/result.h"

namespace tako::broker {

// In the catalogue's form. What may succeed later says when to come back.
[[nodiscard]] ApiAnswer error_answer(Error error);
[[nodiscard]] ApiAnswer json_answer(std::uint32_t status, std::string body);

// Appends the message as the wire has it (common/message_json.h).
void append_stored(std::string& out, const StoredMessage& message, std::string_view channel_name);
// The same for what a publish gave: of an evicted one the id only.
void append_published(std::string& out, const Published& published, std::string_view channel_name);

}  // namespace tako::broker
