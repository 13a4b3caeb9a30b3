// What a client says of presence: in a tako.subscribe, in the URL, in a tako.presence frame.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_text.h"
#include "common/result.h"
#include "edge/session/presence_session.h"

namespace tako::edge {

// `presence`, `presenceEnter`, `presenceData`, `presenceVersion` of a tako.subscribe's data. A
// version that is none is that of a list that nobody knows. Errors: MessageMalformed.
[[nodiscard]] Result<PresenceRequest> presence_of_members(const std::vector<JsonMember>& members);

// `_presence`, `_presence_enter`, `_presence_data`, `_presence_version` of a URL; its data is held
// to the definition's bound. Errors: BadRequest, PayloadTooLarge.
[[nodiscard]] Result<PresenceRequest> presence_of_query(std::string_view raw_query,
                                                        const Definition& definition);

// The data of a tako.presence.
struct PresenceCommand {
  enum class Action : std::uint8_t { Enter, Update, Leave };
  Action action = Action::Enter;
  std::optional<std::string> data;  // minified JSON
};
// Errors: MessageMalformed.
[[nodiscard]] Result<PresenceCommand> parse_presence_command(std::string_view data);

}  // namespace tako::edge
