// tako-edge: builds every part, in order, and alone knows them all.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/config/admin.h"
#include "common/config/http_metrics.h"
#include "common/config/inherited_sockets.h"
#include "common/config/log.h"
#include "common/config/metrics.h"
#include "common/config/process.h"
#include "common/config/service_manager.h"
#include "common/config/start_up.h"
#include "common/config/version.h"
#include "common/random.h"
#include "common/uv/loop.h"
#include "common/uv/timer.h"
#include "common/uv/timer_wheel.h"
#include "edge/adapters/adapters.h"
#include "edge/broker_link.h"
#include "edge/edge_metrics.h"
#include "edge/fanout/hub.h"
#include "edge/server/edge_server.h"
#include "edge/server/http_authorizer.h"
#include "edge/session/broker_events.h"
#include "edge/session/services.h"
#include "edge/supervisor.h"

namespace tako::edge {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr int kExitListen = 1;

OriginPolicies origins_of(const config::Config& config) {
  OriginPolicies origins;
  for (const config::AppConfig& app : config.apps) {
    origins.set(app.id, OriginPolicy(app.allowed_origins));
  }
  return origins;
}

// One edge process. Members are in the order in which they are built; they end in the reverse.
class Edge final : BrokerLink::Listener {
 public:
  Edge(const config::Config& config, Log& log, service::InheritedSockets sockets)
      : config_(config), log_(log), sockets_(std::move(sockets)) {
    register_edge_metrics(metrics_, session_counters_, server_counters_, hub_.counters(), link_,
                          server_.http_counters());
    register_http_limits(metrics_, admin_.counters());
    for (const auto* pool : server_.upstream_counters()) register_upstream_limits(metrics_, *pool);
    metrics_.limits(limit_counters_);
    metrics_.process("tako-edge");
  }

  int run() {
    if (!listen()) return kExitListen;
    link_.start(events_, *this);
    tick_.start_repeating(kTick);
    service::tell_ready("serving");
    watchdog_.start();
    loop_.run();
    link_.stop();
    log_.info("ended");
    return 0;
  }

 private:
  bool listen() {
    // Looked for first: every other inherited socket is for clients, and takes the place of
    // edge.listen.
    auto inherited_admin =
        sockets_.take("admin", uv::parse_address(config_.edge.admin).value_or(uv::UnixAddress{}));
    if (!(sockets_.empty() ? listen_for_clients() : adopt_for_clients())) return false;
    if (inherited_admin) {
      say_listening("admin ", admin_.adopt(*std::move(inherited_admin)));
      return true;
    }
    return config_.edge.admin.empty() ||
           say_bound("admin ", config_.edge.admin,
                     [this](const uv::Address& address) { return admin_.listen(address); });
  }

  bool listen_for_clients() {
    return std::ranges::all_of(config_.edge.listen, [this](const std::string& text) {
      return say_bound("", text, [this](const uv::Address& address) {
        return server_.listen(address, {.reuse_port = true});
      });
    });
  }

  bool adopt_for_clients() {
    for (uv::Fd& socket : sockets_.take_rest()) {
      say_listening("", server_.adopt(std::move(socket)));
    }
    return true;
  }

  // The first lines of stdout are the bound addresses (protocol document, operations).
  void say_listening(std::string_view prefix, const uv::Address& bound) {
    std::cout << prefix << uv::to_string(bound) << std::endl;
    log_.info("listening", {{"address", uv::to_string(bound)}, {"admin", !prefix.empty()}});
  }

  template <typename Listen>
  bool say_bound(std::string_view prefix, const std::string& text, Listen listen_on) {
    auto address = uv::parse_address(text);
    auto bound =
        address ? listen_on(*address) : Result<uv::Address>(std::unexpected(address.error()));
    if (!bound) {
      log_.error(bound.error().message());
      return false;
    }
    say_listening(prefix, *bound);
    return true;
  }

  void on_link_state(bool is_linked, std::string_view detail) override {
    log_.log(is_linked ? LogLevel::Info : LogLevel::Warn, detail, {{"link", config_.edge.link}});
  }

  void on_link_warning(std::string_view text) override { log_.warn(text); }

  [[nodiscard]] std::vector<std::string> why_not_ready() const {
    std::vector<std::string> reasons;
    if (!link_.is_linked()) {
      const std::string why = link_.refusal().empty() ? "" : ": " + link_.refusal();
      reasons.emplace_back("no link to the broker at " + config_.edge.link + why);
    }
    if (server_.is_draining()) reasons.emplace_back("draining");
    return reasons;
  }

  void on_tick() {
    hub_.tick();
    events_.tick();
  }

  // The first signal lets clients go one by one, the second ends at once.
  void on_stop_signal() {
    if (server_.is_draining()) {
      loop_.stop();
      return;
    }
    log_.info("draining", {{"clients", server_.live_clients()}, {"ms", config_.edge.drain_ms}});
    service::tell_stopping();
    server_.drain([this] { loop_.stop(); });
  }

  const config::Config& config_;
  Log& log_;
  service::InheritedSockets sockets_;
  LimitCounters limit_counters_;
  EdgeCounters session_counters_;
  ServerSideCounters server_counters_;
  SystemRandom random_;
  uv::Loop loop_;
  uv::LoopTimerWheel wheel_{loop_};
  BrokerLink link_{loop_,           random_,           config_.limits,
                   limit_counters_, config_.edge.link, config_.edge.name};
  ChannelHub hub_{link_, loop_, client_encoders(), config_.limits, limit_counters_};
  HttpAuthorizer authorizer_{loop_,           wheel_.wheel(),   config_.limits,
                             limit_counters_, server_counters_, config_.apps};
  DefinitionsDirectory definitions_;
  LinkGate gate_{link_, loop_, random_, config_.limits, limit_counters_};
  EdgeBrokerEvents events_{hub_, definitions_, authorizer_, gate_};
  OriginPolicies origins_ = origins_of(config_);
  EdgeServices services_{
      hub_,    link_,          authorizer_,     definitions_,     gate_, origins_, loop_,
      random_, config_.limits, limit_counters_, session_counters_};
  std::vector<std::unique_ptr<ClientProtocol>> protocols_ = make_client_protocols(services_);
  EdgeServer server_{{loop_, wheel_.wheel(), random_, link_, origins_, config_, limit_counters_,
                      server_counters_, [this](std::string_view text) { log_.warn(text); }},
                     protocol_list()};
  Metrics metrics_;
  AdminServer admin_{loop_, wheel_.wheel(), metrics_, [this] { return why_not_ready(); }};
  uv::Timer tick_{loop_, [this] { on_tick(); }};
  service::Watchdog watchdog_{loop_};
  uv::SignalWatcher on_term_{loop_, SIGTERM, [this] { on_stop_signal(); }};
  uv::SignalWatcher on_int_{loop_, SIGINT, [this] { on_stop_signal(); }};

  [[nodiscard]] std::vector<ClientProtocol*> protocol_list() const {
    std::vector<ClientProtocol*> list;
    list.reserve(protocols_.size());
    for (const auto& protocol : protocols_) list.push_back(protocol.get());
    return list;
  }
};

int run(const std::vector<std::string>& arguments) {
  const config::StartUp start = config::start_up(
      config::Program::Edge, arguments, config::process_environment(), std::cout, std::cerr);
  if (!start.loaded) return start.exit_code;
  const config::Config& config = start.loaded->config;
  auto sockets = service::InheritedSockets::take_over();
  if (!sockets) throw std::runtime_error(std::string(sockets.error().message()));
  ignore_broken_pipes();
  const std::uint64_t files = raise_open_files_limit();
  // The log has a thread of its own, and a supervisor forks: so it logs without one.
  const LogOptions log_options{.level = log_level_from(config.log.level),
                               .is_json = config.log.format == "json",
                               .name = config.edge.name};
  if (config.edge.workers > 1) {
    if (!sockets->empty()) {
      throw std::runtime_error("inherited sockets go with one worker: " + sockets->describe() +
                               "; leave either the socket unit or edge.workers out");
    }
    Log log(log_options, std::cerr);
    return supervise(arguments, config, log);
  }
  Log log(log_options);
  for (const std::string& warning : start.loaded->warnings) log.warn(warning);
  log.info("starting", {{"version", config::version_text()}, {"open_files_max", files}});
  return Edge(config, log, *std::move(sockets)).run();
}

}  // namespace
}  // namespace tako::edge

int main(int argc, char** argv) {
  try {
    return tako::edge::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tako-edge: %s\n", error.what());
    return 1;
  }
}
