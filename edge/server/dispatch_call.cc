// Prints the call, judges the answer; whatever is not clearly a decision is none.
#include "edge/server/dispatch_call.h"

#include <optional>
#include <utility>
#include <vector>

#include "common/json_text.h"
#include "common/limits.h"

namespace tako::edge {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

std::unexpected<Error> not_as_agreed(std::string_view what, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::Unavailable,
                 "the app's dispatch answer is not as agreed: " + std::string(what));
}

bool is_absent(const JsonMember* member) { return member == nullptr || member->raw == "null"; }

// Not within a character.
void cut(std::string& text, std::size_t bytes_max) {
  constexpr unsigned kContinuationMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & kContinuationMask) == kContinuation) {
    --end;
  }
  text.resize(end);
}

// `null` is data like any other: only a member that is not there leaves the message as it was sent.
Result<DispatchAnswer> read_fanout(const std::vector<JsonMember>& members,
                                   std::size_t data_bytes_max) {
  DispatchAnswer answer{.action = DispatchAction::Fanout};
  const JsonMember* data = find_member(members, "data");
  if (data == nullptr) return answer;
  answer.data = minify_json(data->raw);
  if (answer.data->size() > data_bytes_max) {
    return not_as_agreed("data has more than " + std::to_string(data_bytes_max) + " bytes",
                         &LimitCounters::client_message_bytes_max);
  }
  return answer;
}

Result<DispatchAnswer> read_reject(const std::vector<JsonMember>& members,
                                   LimitCounters& limit_counters) {
  DispatchAnswer answer{.action = DispatchAction::Reject};
  const JsonMember* reason = find_member(members, "reason");
  if (is_absent(reason)) return answer;
  std::optional<std::string> text = json_string_value(reason->raw);
  if (!text) return not_as_agreed("the reason is not a string");
  if (text->size() > limits::kDispatchReasonBytesMax) {
    ++limit_counters.dispatch_reason_bytes_max;
    cut(*text, limits::kDispatchReasonBytesMax);
  }
  answer.reason = std::move(*text);
  return answer;
}

}  // namespace

std::string make_dispatch_body(const DispatchCall& call) {
  std::string out = "{\"app\":";
  append_json_string(out, call.app);
  append_member(out, "channel", call.channel);
  out.append(",\"params\":").append(params_json(call.params));
  if (!call.subject.empty()) append_member(out, "subject", call.subject);
  append_member(out, "type", call.type);
  out.append(",\"data\":").append(call.data);
  if (!call.idempotency_key.empty()) append_member(out, "idempotencyKey", call.idempotency_key);
  append_member(out, "ip", call.ip);
  return out += '}';
}

Result<DispatchAnswer> read_dispatch_answer(int status, std::string_view body,
                                            std::size_t data_bytes_max,
                                            LimitCounters& limit_counters) {
  if (status != 200) return not_as_agreed("status " + std::to_string(status));
  const auto members = split_json_object(body);
  if (!members) return not_as_agreed("no JSON object", members.error().limit);
  const JsonMember* member = find_member(*members, "action");
  const std::optional<std::string> action =
      member == nullptr ? std::nullopt : json_string_value(member->raw);
  if (action == "fanout") return read_fanout(*members, data_bytes_max);
  if (action == "drop") return DispatchAnswer{.action = DispatchAction::Drop};
  if (action == "reject") return read_reject(*members, limit_counters);
  return not_as_agreed("action is none of fanout, drop, reject");
}

}  // namespace tako::edge
