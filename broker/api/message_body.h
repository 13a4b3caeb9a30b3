// A message as an app posts it: JSON in, checked parts out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log/log_engine.h"
#include "broker/log/stored_message.h"
#include "common/json_text.h"
#include "common/result.h"

namespace tako::broker {

struct MessageBody {
  MessageDraft draft;  // message_id: `idempotencyKey`, if any
  bool ephemeral = false;
  std::optional<AckKind> ack = {};
  // Of an entry in a batch.
  std::string channel;
  std::string params_json;  // raw object; empty: none
};

enum class MessageForm : std::uint8_t { Single, BatchEntry };

// Single: {"type","data","encoding"?:"base64","ephemeral"?,"idempotencyKey"?,"ack"?}; an entry of a
// batch has "channel" and "params"? instead of "ack". JSON data stays byte for byte but for white
// space between tokens. Errors: MessageMalformed, naming the member; also for members that have no
// meaning. The member `ack`: "synced" or "written".
[[nodiscard]] Result<AckKind> parse_ack(std::string_view raw);
[[nodiscard]] Result<MessageBody> parse_message_body(std::string_view json, MessageForm form);

}  // namespace tako::broker
