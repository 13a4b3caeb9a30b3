// AppApi: the app API without sockets: a request in, an answer out; the same for the unix socket
// and for calls that edges pass on.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/api/publish.h"
#include "broker/api/route.h"
#include "broker/channel/api_handler.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/definitions_store.h"
#include "broker/channel/publisher.h"
#include "broker/channel/revoker.h"
#include "broker/presence/presence_table.h"
#include "common/clock.h"
#include "common/config/config.h"
#include "common/limit_counters.h"

namespace tako::broker {

// What the API acts on. All of it outlives the API.
struct AppApiParts {
  const std::vector<config::AppConfig>& apps;
  ChannelTable& channels;
  DefinitionsRegistry& definitions;
  Publisher& publisher;
  PresenceTable& presence;
  Revoker& revoker;
  const Clock& clock;
  LimitCounters& limit_counters;
  DefinitionsStore* store = nullptr;  // null: definitions go with the process
};

class AppApi final : public ApiHandler {
 public:
  explicit AppApi(const AppApiParts& parts);

  // A call that an edge passed on: publish, batch, reads, disconnects. Definitions are put, and
  // streams read, on the app socket only.
  void handle(ApiRequest request, OnApiAnswer on_answer) override;
  // A call on the app socket. Streams, /healthz and /readyz are the server's (api_server.h).
  void handle_local(const ApiRequest& request, OnApiAnswer on_answer);

  // How large a body this route takes; the server stops reading there and answers refuse_body().
  [[nodiscard]] std::size_t body_bytes_max(Resource resource, std::string_view app) const;
  [[nodiscard]] ApiAnswer refuse_body(Resource resource, std::string_view app);
  [[nodiscard]] ApiAnswer refuse_method(Resource resource) const;

 private:
  void dispatch(const Route& route, const ApiRequest& request, OnApiAnswer on_answer);
  void dispatch_definitions(const ApiRequest& request, const RuntimeLimits& limits,
                            OnApiAnswer on_answer);
  void put_definitions(const ApiRequest& request, const RuntimeLimits& limits,
                       OnApiAnswer on_answer);
  void apply_definitions(const ApiRequest& request, OnApiAnswer on_answer);
  [[nodiscard]] const RuntimeLimits& limits_of(std::string_view app) const;

  AppApiParts parts_;
  PublishApi publish_;
  std::int64_t started_ms_;
};

// Puts the definitions files that the configuration names; for an app without one, what the store
// has of an earlier process (null: none). What a newer version has stored and this one can't read
// is left where it is: the app has to put its definitions again, which the result's texts tell.
// Errors: DefinitionInvalid (a file), LogUnusable.
[[nodiscard]] Result<std::vector<std::string>> put_known_definitions(
    const std::vector<config::AppConfig>& apps, const DefinitionsStore* store,
    DefinitionsRegistry& definitions);

}  // namespace tako::broker
