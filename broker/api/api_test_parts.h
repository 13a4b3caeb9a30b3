// For tests: everything behind the app API, on a fake clock.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "broker/api/app_api.h"
#include "broker/cluster/single_box.h"
#include "broker/log/memory_log.h"
#include "common/clock.h"
#include "common/random.h"

namespace tako::broker {

struct ApiTestParts {
  explicit ApiTestParts(std::vector<config::AppConfig> configured = {config::AppConfig{}})
      : apps(std::move(configured)) {}

  static std::vector<std::string> ids_of(const std::vector<config::AppConfig>& apps) {
    std::vector<std::string> ids;
    for (const config::AppConfig& app : apps) ids.push_back(app.id);
    return ids;
  }

  // As the socket asks. Every call here is answered at once: no edge is linked.
  ApiAnswer ask(std::string method, std::string target, std::string body = "",
                std::string idempotency_key = "") {
    ApiAnswer answer;
    api.handle_local({.app = app,
                      .method = std::move(method),
                      .target = std::move(target),
                      .idempotency_key = std::move(idempotency_key),
                      .body = std::move(body)},
                     [&answer](ApiAnswer given) { answer = std::move(given); });
    return answer;
  }
  void define(const std::string& definitions) {
    const ApiAnswer put = ask("PUT", "/v1/definitions", R"({"definitions":)" + definitions + "}");
    if (put.status != 200) throw std::runtime_error(put.body);
  }

  std::vector<config::AppConfig> apps;
  std::string app = apps.front().id;
  FakeClock clock;
  SeededRandom random{1};
  RuntimeLimits limits;
  LimitCounters counters;
  MemoryLog log{{.clock = clock, .random = random, .limits = limits, .counters = counters}};
  SingleBox cluster{log};
  ControlStream control{7, clock, limits, counters};
  DefinitionsRegistry definitions{ids_of(apps), control, counters};
  ChannelTable channels{log, definitions, clock, limits, counters};
  Publisher publisher{channels, cluster, definitions, clock, limits, counters};
  NoStateStore state;
  PresenceTable presence{{.definitions = definitions,
                          .state = state,
                          .clock = clock,
                          .random = random,
                          .limits = limits,
                          .limit_counters = counters}};
  Revoker revoker{control, state, clock};
  AppApi api{{.apps = apps,
              .channels = channels,
              .definitions = definitions,
              .publisher = publisher,
              .presence = presence,
              .revoker = revoker,
              .clock = clock,
              .limit_counters = counters}};
};

}  // namespace tako::broker
