// Definitions: what an app registers under a name, parsed and checked; the set finds the one for a
// channel by longest prefix.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/client_rate.h"
#include "common/params_schema.h"
#include "common/presence_rule.h"
#include "common/result.h"
#include "common/webhook_events.h"

namespace tako {

enum class SlowPolicy : std::uint8_t { Resume, Latest, Disconnect };
// Dispatch: the app is asked what becomes of the message.
enum class HandlerKind : std::uint8_t { Relay, Ephemeral, Dispatch };
enum class Transport : std::uint8_t { Sse, WebSocket };  // WebSocket also allows SSE

// Which credentials a channel takes; either suffices. Neither set never happens.
struct AuthRule {
  std::optional<std::string> header_name;  // lower case; default `authorization`
  std::optional<std::string> cookie_name;
  friend bool operator==(const AuthRule&, const AuthRule&) = default;
};

struct Definition {
  std::string name;                                   // may end in `*`
  std::string params_schema_json;                     // as put, minified; empty: none
  std::shared_ptr<const ParamsSchema> params_schema;  // never null
  std::vector<std::string> context_params;  // sorted; checked and given to auth, don't partition
  std::optional<AuthRule> auth;             // nullopt: public (auth:false)
  Transport transport = Transport::WebSocket;
  std::map<std::string, HandlerKind, std::less<>> handlers;  // what clients may send
  std::int64_t replay_window_ms = 600'000;  // 0: no limit in time, the caps still hold
  std::int64_t inactivity_ttl_ms = 0;       // 0: off
  std::int64_t keepalive_interval_ms = 25'000;
  std::int64_t max_connection_lifetime_ms = 7'200'000;
  std::size_t messages_max = 0;  // 0: the broker's default cap
  SlowPolicy slow = SlowPolicy::Resume;
  std::optional<PresenceRule> presence = {};  // nullopt: nobody is counted or listed
  ClientRate client_rate = {};
  WebhookEvents webhooks = {};
  bool is_understood = true;  // false: a newer broker's, all but its name is unknown here

  // The declared params that are not context params: those that make the channel.
  [[nodiscard]] Params partition_of(const Params& params) const;
  // As PUT /v1/definitions takes it, canonical: equal definitions print equal.
  [[nodiscard]] std::string to_json() const;
};

// Whose definitions are read. A broker has checked them, and may be a version ahead of us: members
// and kinds of handlers that we don't know are skipped, and a definition that we can't read
// otherwise stands for its channels, which then nobody uses here. So an old edge serves with a new
// broker, and opens nothing that was closed.
enum class DefinitionSource : std::uint8_t { App, Broker };

// All definitions of one app. Immutable; a PUT makes a new one.
class DefinitionSet {
 public:
  // `json`: {"definitions":[…]}. Errors: DefinitionInvalid, naming the definition and the member;
  // unknown members are refused. Without `auth` a channel is private by the header
  // `authorization`; without `transport` it is `ws`.
  [[nodiscard]] static Result<std::shared_ptr<const DefinitionSet>> parse(
      std::string_view json, DefinitionSource source = DefinitionSource::App);
  [[nodiscard]] static std::shared_ptr<const DefinitionSet> empty();

  // Exact name first, then the longest prefix; nullptr when none covers `name`, or one that is not
  // understood.
  [[nodiscard]] const Definition* find(std::string_view name) const;
  // Sorted by name.
  [[nodiscard]] const std::vector<Definition>& all() const { return definitions_; }
  [[nodiscard]] std::string to_json() const;  // {"definitions":[…]}
  // Names of those that are not understood, for the log: "a, b"; "" when all are.
  [[nodiscard]] std::string not_understood() const;

 private:
  [[nodiscard]] const Definition* covering(std::string_view name) const;

  std::vector<Definition> definitions_;
};

}  // namespace tako
