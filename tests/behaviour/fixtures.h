// The channels that the behaviour tests speak of, and the paths to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/cluster.h"
#include "tests/support/sse_client.h"
#include "tests/support/ws_client.h"

namespace tako::test {

// chat: params, header credential, client messages. feed: public, SSE only. wire: public,
// WebSocket, as fast as a client likes. ck: cookie only. both: header or cookie. short: keeps two
// messages. a/b: a name with a slash.
inline constexpr std::string_view kDefinitions = R"([
  {"name":"chat","auth":{},"transport":"ws",
   "paramsSchema":{"type":"object","required":["roomId"],"properties":{
     "roomId":{"type":"string","minLength":1},
     "limit":{"type":"integer"},"pinned":{"type":"boolean"}}},
   "contextParams":["limit","pinned"],
   "handlers":{"say":"relay","typing":"ephemeral"}},
  {"name":"feed","auth":false,"transport":"sse"},
  {"name":"wire","auth":false,"transport":"ws",
   "clientRate":{"connection":0,"subject":0,"channel":0},
   "handlers":{"say":"relay","typing":"ephemeral"}},
  {"name":"ck","auth":{"headerName":false,"cookieName":"sid"},"transport":"ws",
   "handlers":{"say":"relay"}},
  {"name":"both","auth":{"cookieName":"sid"},"transport":"ws"},
  {"name":"short","auth":false,"transport":"ws","maxMessages":2},
  {"name":"a/b","auth":false,"transport":"ws"}
])";

// A cluster with these definitions.
inline ClusterOptions with_definitions(std::string_view definitions = kDefinitions) {
  return {.definitions = std::string(definitions)};
}

// The log in memory: whatever ends the broker ends the history.
inline ClusterOptions with_memory_log(ClusterOptions options = with_definitions()) {
  options.log = "memory";
  return options;
}

// One public WebSocket channel `c` with more members, such as `"maxMessages":2`.
inline ClusterOptions with_channel(std::string_view members) {
  std::string definition = R"([{"name":"c","auth":false,"transport":"ws",)";
  definition += R"("handlers":{"say":"relay","typing":"ephemeral"})";
  if (!members.empty()) definition += "," + std::string(members);
  return {.definitions = definition + "}]"};
}

// /_tako/channels/<name>?<query>
inline std::string channel_path(std::string_view name, std::string_view query = "") {
  std::string path = "/_tako/channels/" + percent_encoded(name);
  if (!query.empty()) path += "?" + std::string(query);
  return path;
}

inline const Headers kGoodToken{{"Authorization", "Bearer good"}};

inline Headers last_event_id(std::string_view id) { return {{"Last-Event-ID", std::string(id)}}; }

// An Origin on the same host as the edge, which the default policy allows.
inline Header same_origin(const Endpoint& edge) { return {"Origin", "http://" + edge}; }

// The app allows `Bearer good` as subject `ann`, `Bearer bob` as `bob`; everything else is refused.
inline void allow_good_tokens(StubApp& app) {
  app.on_authorize([](const Json& call) -> StubReply {
    if (!call.has("header")) return {.status = 403, .body = "{}"};
    const std::string token = call["header"]["value"].string();
    if (token == "good") return {.body = R"({"ok":true,"subject":"ann"})"};
    if (token == "bob") return {.body = R"({"ok":true,"subject":"bob"})"};
    return {.status = 403, .body = "{}"};
  });
}

// {"type":"tako.auth","token":…}
inline std::string auth_envelope(std::string_view token, std::string_view more = "") {
  return R"({"type":"tako.auth","token":)" + json_string(token) + std::string(more) + "}";
}

// Returns once the subscription of a plain WebSocket stands, which that dialect has no word for:
// the echo of a `say` of its own came back. Other subscribers of the channel get it too.
inline void settle(WsClient& client) {
  client.send_text(R"({"type":"say","data":"settled"})");
  while (client.next_json()["data"].print() != R"("settled")") {
  }
}

// Refused in the catalogue's form.
void check_refused(const HttpResponse& response, int status, std::string_view code);

// A WebSocket to the public channel of with_channel().
[[nodiscard]] WsClient open_c(Cluster& tako);

// Upgraded, then closed by the edge with these words, then the end of TCP.
void check_close(WsClient& client, int code, std::string_view reason);

// A subscriber that must live through whatever a test does, and still get messages.
class Bystander {
 public:
  explicit Bystander(Cluster& tako);
  void check_unharmed();

 private:
  Cluster& tako_;
  SseClient client_;
};

// The next frame, which must be of that type.
inline Json expect(WsClient& client, std::string_view type) {
  const Json frame = client.next_json();
  if (frame["type"].string() != type) {
    throw TestFailure("expected " + std::string(type) + ", got " + frame.print());
  }
  return frame;
}

// Since 1970.
inline std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The offset part of an id.
inline std::uint64_t offset_of(std::string_view id) { return std::stoull(std::string(id)); }

// The epoch part of an id.
inline std::string epoch_of(std::string_view id) {
  return std::string(id.substr(id.find('-') + 1));
}

}  // namespace tako::test
