// Parses subscribe commands, and strips requests to their credentials.
#include "edge/adapters/rich_channel.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/json_text.h"
#include "edge/adapters/client_message.h"
#include "edge/adapters/presence_options.h"

namespace tako::edge {

Result<SubscribeCommand> parse_subscribe(std::string_view data) {
  const auto members = split_json_object(data);
  if (!members) return fail(ErrorCode::MessageMalformed, "tako.subscribe needs a data object");
  SubscribeCommand command;
  const JsonMember* channel = find_member(*members, "channel");
  std::optional<std::string> name;
  if (channel != nullptr) name = json_string_value(channel->raw);
  if (!name) return fail(ErrorCode::MessageMalformed, "tako.subscribe needs data.channel");
  command.channel = std::move(*name);
  if (const JsonMember* params = find_member(*members, "params")) command.params = params->raw;
  if (const JsonMember* token = find_member(*members, "token")) {
    const auto value = json_string_value(token->raw);
    if (!value) return fail(ErrorCode::MessageMalformed, "data.token is not a string");
    command.credential = parse_credential(*value);
  }
  const auto cursor = cursor_member(*members);
  if (!cursor) return std::unexpected(cursor.error());
  command.cursor = *cursor;
  auto presence = presence_of_members(*members);
  if (!presence) return std::unexpected(presence.error());
  command.presence = *std::move(presence);
  const JsonMember* rewind = find_member(*members, "rewind");
  if (rewind != nullptr && rewind->raw != "null") {
    // A text, or a number: its digits.
    const auto parsed =
        parse_rewind(json_string_value(rewind->raw).value_or(std::string(rewind->raw)));
    if (!parsed) return std::unexpected(parsed.error());
    command.rewind = *parsed;
  }
  return command;
}

ClientRequest keep_credentials(const ClientRequest& request, const DefinitionSet& definitions) {
  constexpr std::array<std::string_view, 4> kKept = {"authorization", "cookie", "origin",
                                                     "sec-fetch-site"};
  const auto is_credential = [&](const std::string& name) {
    return std::ranges::any_of(definitions.all(), [&](const Definition& definition) {
      return definition.auth && definition.auth->header_name == name;
    });
  };
  ClientRequest kept;
  kept.app = request.app;
  kept.method = request.method;
  kept.host = request.host;
  kept.ip = request.ip;
  kept.is_websocket = request.is_websocket;
  for (const auto& header : request.headers) {
    if (std::ranges::find(kKept, header.first) != kKept.end() || is_credential(header.first)) {
      kept.headers.push_back(header);
    }
  }
  return kept;
}

}  // namespace tako::edge
