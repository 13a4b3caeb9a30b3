// Rooms with presence, clients by the name of their subject, and a watcher that proves its list.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/behaviour/fixtures.h"

namespace tako::test {

// Long enough to come back in, also on a busy box.
inline constexpr std::string_view kGraceMs = "2000";

// room, by id: members. hall: counts only. lobby: public. small: two members. bare: no presence.
inline ClusterOptions with_presence() {
  const std::string common = R"("graceMs":)" + std::string(kGraceMs) + R"(,"batchMs":20)";
  return with_definitions(R"([
    {"name":"room","auth":{},"presence":{)" +
                          common + R"(,"dataBytesMax":64},
     "paramsSchema":{"type":"object","properties":{"id":{"type":"string"}}},
     "clientRate":{"connection":0,"subject":0,"channel":0}},
    {"name":"big","auth":{},"presence":{"batchMs":1,"dataBytesMax":4096},
     "clientRate":{"connection":0,"subject":0,"channel":0}},
    {"name":"hall","auth":{},"presence":{)" +
                          common + R"(,"list":"counts"}},
    {"name":"lobby","auth":false,"presence":{)" +
                          common + R"(}},
    {"name":"small","auth":{},"presence":{)" +
                          common + R"(,"membersMax":2}},
    {"name":"bare","auth":{}}])");
}

// `Bearer <name>` is that subject, shown as {"name":<name>}; `Bearer brief-<name>` for a second
// only; `Bearer muted-<name>` without the right.
inline void allow_names(StubApp& app) {
  // Asked again before its end, the app says the same: such a permission is not renewed.
  struct Ends {
    std::mutex mutex;
    std::map<std::string, std::int64_t> by_name;
  };
  app.on_authorize([ends = std::make_shared<Ends>()](const Json& call) -> StubReply {
    std::string name = call["header"]["value"].string();
    std::string more;
    if (name.starts_with("brief-")) {
      name.erase(0, 6);
      const std::scoped_lock lock(ends->mutex);
      const std::int64_t end = ends->by_name.try_emplace(name, now_ms() + 1'000).first->second;
      more = R"(,"expiresAt":)" + std::to_string(end);
    } else if (name.starts_with("muted-")) {
      name.erase(0, 6);
      more = R"(,"rights":["subscribe","publish"])";
    }
    return {.body = R"({"ok":true,"subject":)" + json_string(name) + R"(,"presence":{"name":)" +
                    json_string(name) + "}" + more + "}"};
  });
}

inline Headers named(std::string_view name) {
  return {{"Authorization", "Bearer " + std::string(name)}};
}

// A client of the rich dialect, whose tako.ready has come.
inline WsClient join(Cluster& tako, std::string_view name, std::string_view channel = "room",
                     std::string_view query = "", std::size_t edge = 0, int receive_buffer = 0) {
  WsClient client(
      tako.edge(edge), channel_path(channel, query),
      {.headers = named(name), .subprotocol = "tako.v1", .receive_buffer = receive_buffer});
  static_cast<void>(expect(client, "tako.ready"));
  return client;
}

inline void say_presence(WsClient& client, std::string_view data) {
  client.send_text(R"({"type":"tako.presence","data":)" + std::string(data) + "}");
}
// Gone without a word, as a browser whose network is.
inline void lose(WsClient& client) { client.socket().close(); }

inline void must_hold(bool holds, const std::string& what) {
  if (!holds) throw TestFailure("presence that is told does not fit: " + what);
}

// A channel's list as a client keeps it. Every frame must apply to the list that is held.
class Roster {
 public:
  void apply(const Json& data) {
    if (data.has("members")) {
      members_.clear();
      for (std::size_t i = 0; i < data["members"].size(); ++i) put(data["members"][i]);
      ++lists;
    } else {
      must_hold(data["after"].string() == version, data.print() + " behind " + version);
      for (std::size_t i = 0; i < data["changes"].size(); ++i) change(data["changes"][i]);
    }
    version = data["version"].string();
  }
  [[nodiscard]] bool has(const std::string& subject) const { return members_.contains(subject); }
  [[nodiscard]] const Json& member(const std::string& subject) const {
    return members_.at(subject);
  }
  [[nodiscard]] std::set<std::string> subjects() const {
    std::set<std::string> out;
    for (const auto& [subject, member] : members_) out.insert(subject);
    return out;
  }

  std::string version;
  int lists = 0;                  // whole lists that were told
  std::vector<std::string> seen;  // "enter ann", "leave ann lost", in order

 private:
  void put(const Json& member) { members_.insert_or_assign(member["subject"].string(), member); }
  void change(const Json& change) {
    const std::string action = change["action"].string();
    const std::string subject = change["subject"].string();
    if (action == "leave") {
      must_hold(members_.erase(subject) == 1, change.print());
      seen.push_back("leave " + subject + " " + change["reason"].string());
      return;
    }
    must_hold(has(subject) == (action == "update"), change.print());
    put(change);
    seen.push_back(action + " " + subject);
  }

  std::map<std::string, Json> members_;
};

// Watches a channel, without being listed in it.
class Watcher {
 public:
  explicit Watcher(Cluster& tako, std::string_view channel = "room", std::size_t edge = 0)
      : client_(join(tako, "eye", channel, "_presence=list&_presence_enter=0", edge)) {
    read();
  }
  // The next frame of presence; what happens to the channel's messages is another matter.
  void read() {
    Json frame = client_.next_json();
    while (frame["type"].string() == "tako.gap") frame = client_.next_json();
    must_hold(frame["type"].string() == "tako.presence", frame.print());
    roster_.apply(frame["data"]);
  }
  void read_until(const std::function<bool(const Roster&)>& reached) {
    while (!reached(roster_)) read();
  }
  void read_until_seen(std::string_view what) {
    read_until([what](const Roster& roster) {
      return std::ranges::find(roster.seen, what) != roster.seen.end();
    });
  }
  void read_until_listed(const std::set<std::string>& subjects) {
    read_until([&](const Roster& roster) { return roster.subjects() == subjects; });
  }
  [[nodiscard]] Roster& roster() { return roster_; }
  [[nodiscard]] WsClient& client() { return client_; }

 private:
  WsClient client_;
  Roster roster_;
};

// Somebody comes now and is lost, and is seen to leave when the grace is over: so whatever the
// grace of anybody lost before may bring has come by then.
inline void outlast_grace(Cluster& tako, Watcher& watcher, std::size_t edge = 0) {
  {
    WsClient canary = join(tako, "canary", "room", "", edge);
    watcher.read_until([](const Roster& roster) { return roster.has("canary"); });
    lose(canary);
  }
  watcher.read_until_seen("leave canary lost");
}

// How often the watcher was told of `subject`, in changes.
inline std::size_t told_of(Watcher& watcher, const std::string& subject) {
  return static_cast<std::size_t>(
      std::ranges::count_if(watcher.roster().seen, [&](const std::string& seen) {
        return (seen + " ").find(" " + subject + " ") != std::string::npos;
      }));
}

}  // namespace tako::test
