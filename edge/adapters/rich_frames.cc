// Prints control frames. Their parts are few and known, so they are written out.
#include "edge/adapters/rich_frames.h"

#include <string>

#include "common/json_text.h"
#include "edge/session/ws_frame.h"

namespace tako::edge::rich {
namespace {

// `members`: what stands between the braces of `data`.
SharedBytes frame(std::string_view type, std::string_view members, std::string_view key) {
  std::string json = R"({"type":"tako.)";
  json += type;
  json += R"(","data":{)";
  json += members;
  json += '}';
  if (!key.empty()) {
    json += R"(,"key":)";
    append_json_string(json, key);
  }
  json += '}';
  return make_text_frame(json);
}

std::string ref_member(std::string_view ref) {
  return ref.empty() ? std::string() : R"("ref":)" + std::string(ref) + ',';
}

std::string_view told_as(PresenceWish wish) {
  switch (wish) {
    case PresenceWish::List:
      return R"("list")";
    case PresenceWish::Counts:
      return R"("counts")";
    case PresenceWish::Nothing:
      break;
  }
  return "null";
}

std::string quoted(const Position& position) { return '"' + to_string(position) + '"'; }

}  // namespace

SharedBytes ready(const Ready& ready, std::string_view ref, std::string_view key) {
  std::string members = ref_member(ref) + R"("id":)" + quoted(ready.start.at) + R"(,"subject":)";
  members += ready.subject.empty() ? "null" : json_string(ready.subject);
  members += ready.start.resumed ? R"(,"resumed":true)" : R"(,"resumed":false)";
  if (ready.presence) members.append(R"(,"presence":)").append(told_as(*ready.presence));
  return frame("ready", members, key);
}

SharedBytes gap(const Gap& gap, std::string_view key) {
  std::string members = R"("from":)" + quoted(gap.from) + R"(,"to":)" + quoted(gap.to);
  members += R"(,"reason":)" + json_string(to_string(gap.reason));
  return frame("gap", members, key);
}

SharedBytes ack(std::string_view ref, const Position& id, std::string_view key) {
  return frame("ack", ref_member(ref) + R"("id":)" + (id.offset == 0 ? "null" : quoted(id)), key);
}

SharedBytes error(const Error& error, std::string_view ref, std::string_view key) {
  const ErrorInfo& info = error.info();
  std::string members = ref_member(ref) + R"("code":)" + json_string(info.name);
  members += R"(,"message":)" + json_string(error.message());
  members += R"(,"hint":)" + json_string(info.hint);
  members += info.retryable ? R"(,"retryable":true)" : R"(,"retryable":false)";
  if (error.retry_after_ms > 0) {
    members += R"(,"retryAfterMs":)" + std::to_string(error.retry_after_ms);
  }
  return frame("error", members, key);
}

SharedBytes reauth(std::int64_t before_ms, std::string_view key) {
  return frame("reauth", R"("before":)" + std::to_string(before_ms), key);
}

SharedBytes drain(std::int64_t retry_ms) {
  return frame("drain", R"("retryMs":)" + std::to_string(retry_ms), {});
}

}  // namespace tako::edge::rich
