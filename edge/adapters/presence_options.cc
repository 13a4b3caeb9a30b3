// Reads what clients say of presence.
#include "edge/adapters/presence_options.h"

#include <utility>

#include "common/params.h"

namespace tako::edge {
namespace {

std::optional<PresenceVersion> version_of(std::string_view text) {
  const Result<Cursor> parsed = parse_cursor(text);
  if (!parsed || parsed->from_oldest) return std::nullopt;
  return PresenceVersion{parsed->position.offset, parsed->position.epoch};
}

// true, false, null, "list" or "counts".
std::optional<PresenceWish> wish_of(std::string_view raw) {
  if (raw == "true" || raw == R"("list")") return PresenceWish::List;
  if (raw == R"("counts")") return PresenceWish::Counts;
  if (raw == "false" || raw == "null") return PresenceWish::Nothing;
  return std::nullopt;
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::MessageMalformed, std::string(what));
}
std::unexpected<Error> bad_request(std::string_view what) {
  return fail(ErrorCode::BadRequest, std::string(what));
}

}  // namespace

Result<PresenceRequest> presence_of_members(const std::vector<JsonMember>& members) {
  PresenceRequest request;
  if (const JsonMember* member = find_member(members, "presence")) {
    const auto wish = wish_of(member->raw);
    if (!wish) return malformed(R"(data.presence must be true, false or "counts")");
    request.wish = *wish;
  }
  if (const JsonMember* member = find_member(members, "presenceEnter")) {
    const auto enters = json_bool_value(member->raw);
    if (!enters) return malformed("data.presenceEnter must be true or false");
    request.enters = *enters;
  }
  if (const JsonMember* member = find_member(members, "presenceData")) {
    request.data = minify_json(member->raw);
  }
  if (const JsonMember* member = find_member(members, "presenceVersion")) {
    request.has = version_of(json_string_value(member->raw).value_or(""));
  }
  return request;
}

Result<PresenceRequest> presence_of_query(std::string_view raw_query,
                                          const Definition& definition) {
  PresenceRequest request;
  const Result<std::vector<QueryPair>> pairs = split_query(raw_query);
  if (!pairs) return std::unexpected(pairs.error());
  if (const std::string* text = query_value(*pairs, "_presence")) {
    if (*text != "list" && *text != "counts")
      return bad_request("_presence must be list or counts");
    request.wish = *text == "list" ? PresenceWish::List : PresenceWish::Counts;
  }
  if (const std::string* text = query_value(*pairs, "_presence_enter")) {
    if (*text != "0" && *text != "1") return bad_request("_presence_enter must be 0 or 1");
    request.enters = *text == "1";
  }
  if (const std::string* text = query_value(*pairs, "_presence_data")) {
    if (const auto checked = check_json(*text); !checked) {
      return fail_at(checked.error().limit, ErrorCode::BadRequest, "_presence_data must be JSON");
    }
    request.data = minify_json(*text);
    if (const auto checked = check_presence_data(definition, request.data); !checked) {
      return std::unexpected(checked.error());
    }
  }
  if (const std::string* text = query_value(*pairs, "_presence_version")) {
    request.has = version_of(*text);
  }
  return request;
}

Result<PresenceCommand> parse_presence_command(std::string_view data) {
  using Action = PresenceCommand::Action;
  const auto members = split_json_object(data);
  if (!members) return malformed("tako.presence needs a data object");
  const JsonMember* action = find_member(*members, "action");
  const std::string name = action == nullptr ? "" : json_string_value(action->raw).value_or("");
  PresenceCommand command;
  if (name == "enter") {
    command.action = Action::Enter;
  } else if (name == "update") {
    command.action = Action::Update;
  } else if (name == "leave") {
    command.action = Action::Leave;
  } else {
    return malformed("data.action must be enter, update or leave");
  }
  if (const JsonMember* member = find_member(*members, "data")) {
    command.data = minify_json(member->raw);
  }
  if (command.action == Action::Update && !command.data) return malformed("update needs data.data");
  return command;
}

}  // namespace tako::edge
