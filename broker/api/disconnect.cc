// Reads what is to be taken back, and prints how far the edges are.
#include "broker/api/disconnect.h"

#include <string>
#include <utility>

#include "broker/api/answer.h"
#include "common/channel_name.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

std::unexpected<Error> bad(std::string why, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::BadRequest, std::move(why));
}

// What the body says, before it is held against definitions.
struct DisconnectWords {
  std::optional<std::string> channel;
  std::string params;                // a JSON object
  std::optional<std::string> query;  // in place of it
  bool reauthorize = false;
  std::optional<std::int64_t> ban_ms;
  std::string reason;
};

Result<void> read_ban(const JsonMember& member, DisconnectWords& words) {
  const auto ms = json_integer_value(member.raw);
  const bool is_too_long = ms && *ms > limits::kBanMsMax;
  if (!ms || *ms < 0 || is_too_long) {
    return bad("banMs must be a whole number from 0 to " + std::to_string(limits::kBanMsMax),
               is_too_long ? &LimitCounters::ban_ms_max : nullptr);
  }
  words.ban_ms = ms;
  return {};
}

Result<void> read_reason(const JsonMember& member, DisconnectWords& words) {
  auto reason = json_string_value(member.raw);
  if (!reason) return bad("reason must be a string");
  if (reason->size() > limits::kRevocationReasonMax) {
    return bad("reason has more than " + std::to_string(limits::kRevocationReasonMax) + " bytes",
               &LimitCounters::revocation_reason_max);
  }
  words.reason = std::move(*reason);
  return {};
}

Result<void> read_member(const JsonMember& member, bool is_of_subject, DisconnectWords& words) {
  if (member.name == "reason") return read_reason(member, words);
  if (member.name == "reauthorize") {
    const auto flag = json_bool_value(member.raw);
    if (!flag) return bad("reauthorize must be true or false");
    words.reauthorize = *flag;
    return {};
  }
  if (is_of_subject && member.name == "banMs") return read_ban(member, words);
  if (is_of_subject && member.name == "channel") {
    words.channel = json_string_value(member.raw);
    if (!words.channel) return bad("channel must be a string");
    return {};
  }
  if (is_of_subject && member.name == "params") {
    words.query = json_string_value(member.raw);
    if (words.query) return {};
    if (!member.raw.starts_with('{')) return bad("params must be an object, or a query");
    words.params = member.raw;
    return {};
  }
  return bad("unknown member '" + member.name + "'");
}

Result<DisconnectWords> read_words(std::string_view body, bool is_of_subject) {
  DisconnectWords words;
  if (body.empty()) return words;
  const auto members = split_json_object(body);
  if (!members) return bad(members.error().detail, members.error().limit);
  for (const JsonMember& member : *members) {
    if (auto read = read_member(member, is_of_subject, words); !read) {
      return std::unexpected(std::move(read.error()));
    }
  }
  if ((!words.params.empty() || words.query) && !words.channel) {
    return bad("params need a channel");
  }
  if (words.reauthorize && words.ban_ms) {
    return bad("reauthorize asks the app, and banMs lets it have no say: choose one");
  }
  return words;
}

// A channel by its name alone: all of that name.
Result<void> set_name(std::string name, RevokeOrder& order) {
  if (!is_channel_name(name)) return bad("not a channel name");
  order.name = std::move(name);
  return {};
}

Result<ChannelIdentity> resolve(const DefinitionsRegistry& definitions, std::string_view app,
                                const DisconnectWords& words) {
  return words.query ? definitions.resolve_query(app, *words.channel, *words.query)
                     : definitions.resolve_json(app, *words.channel, words.params);
}

Result<void> set_channel(const Result<ChannelIdentity>& channel, RevokeOrder& order) {
  if (!channel) return std::unexpected(channel.error());
  order.name = channel->name;
  order.key = channel->key;
  return {};
}

std::string print_outcome(const ControlOutcome& outcome) {
  std::string out = R"({"subscriptions":)" + std::to_string(outcome.subscriptions);
  for (std::size_t index = 0; index < outcome.pending.size(); ++index) {
    out += index == 0 ? R"(,"pending":[)" : ",";
    append_json_string(out, outcome.pending[index]);
  }
  return out + (outcome.pending.empty() ? "}" : "]}");
}

}  // namespace

Result<RevokeOrder> parse_disconnect(const Route& route, const ApiRequest& request,
                                     const DefinitionsRegistry& definitions) {
  const bool is_of_subject = route.resource == Resource::SubjectDisconnect;
  auto words = read_words(request.body, is_of_subject);
  if (!words) return std::unexpected(std::move(words.error()));
  RevokeOrder order{.app = request.app,
                    .reauthorize = words->reauthorize,
                    .ban_ms = words->ban_ms,
                    .reason = std::move(words->reason)};
  Result<void> named;
  if (!is_of_subject) {
    named =
        route.query.empty()
            ? set_name(route.name, order)
            : set_channel(definitions.resolve_query(request.app, route.name, route.query), order);
  } else {
    order.subject = route.name;
    const bool has_params = !words->params.empty() || words->query;
    if (has_params) {
      named = set_channel(resolve(definitions, request.app, *words), order);
    } else if (words->channel) {
      named = set_name(std::move(*words->channel), order);
    }
  }
  if (!named) return std::unexpected(std::move(named.error()));
  return order;
}

void disconnect_answer(const Route& route, const ApiRequest& request,
                       const DefinitionsRegistry& definitions, Revoker& revoker,
                       LimitCounters& counters, OnApiAnswer on_answer) {
  auto order = parse_disconnect(route, request, definitions);
  if (!order) {
    count_limit(order.error(), counters);
    on_answer(error_answer(std::move(order.error())));
    return;
  }
  revoker.revoke(std::move(*order), [on_answer = std::move(on_answer)](
                                        const Result<ControlOutcome>& outcome) {
    on_answer(outcome ? json_answer(200, print_outcome(*outcome)) : error_answer(outcome.error()));
  });
}

}  // namespace tako::broker
