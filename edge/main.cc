// tako-edge: builds every part, in order, and alone knows them all.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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
#include "common/http/server.h"
#include "common/random.h"
#include "common/uv/loop.h"
#include "common/uv/timer.h"
#include "common/uv/timer_wheel.h"
#include "edge/adapters/adapters.h"
#include "edge/broker_link.h"
#include "edge/edge_metrics.h"
#include "edge/fanout/hub.h"
#include "edge/handoff/handoff.h"
#include "edge/handoff/successor.h"
#include "edge/server/edge_server.h"
#include "edge/server/http_authorizer.h"
#include "edge/server/http_dispatcher.h"
#include "edge/server/webhook_poster.h"
#include "edge/session/broker_events.h"
#include "edge/session/guarded_authorizer.h"
#include "edge/session/services.h"
#include "edge/supervisor.h"

namespace tako::edge {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr int kExitListen = 1;
constexpr int kExitTakeover = 1;
// Beside the time that a successor has for its link: to start, and to be given the first clients.
constexpr std::chrono::milliseconds kSuccessorPatience{10'000};

OriginPolicies origins_of(const config::Config& config) {
  OriginPolicies origins;
  for (const config::AppConfig& app : config.apps) {
    origins.set(app.id, OriginPolicy(app.allowed_origins));
  }
  return origins;
}

// How this program was started.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;  // without the program's name
};

// One edge process. Members are in the order in which they are built; they end in the reverse.
class Edge final : BrokerLink::Listener, HandoffHost {
 public:
  Edge(const config::Config& config, Log& log, service::InheritedSockets sockets, Launch launch)
      : config_(config),
        log_(log),
        sockets_(std::move(sockets)),
        successor_(loop_, std::move(launch.program), std::move(launch.arguments),
                   [this](int status) { on_successor_ended(status); }) {
    register_edge_metrics(metrics_, session_counters_, server_counters_, hub_.counters(), link_,
                          server_.http_counters());
    register_http_limits(metrics_, admin_.counters());
    for (const auto* pool : server_.upstream_counters()) register_upstream_limits(metrics_, *pool);
    register_presence_metrics(metrics_, presence_.counters());
    register_handoff_metrics(metrics_, handoff_counters_);
    revocations_.set_on_taking_back([this](std::string_view app) { server_.cut_off_closing(app); });
    metrics_.limits(limit_counters_);
    metrics_.process("tako-edge");
  }

  int run() {
    if (config_.edge.takeover && handoff_.has_predecessor()) {
      handoff_.take_over();
    } else if (!listen()) {
      return kExitListen;
    }
    link_.start(events_, *this);
    tick_.start_repeating(kTick);
    loop_.run();
    link_.stop();
    log_.info("ended");
    return exit_status_;
  }

 private:
  bool listen() {
    if (!listen_for_successor()) return false;
    // Looked for first: every other inherited socket is for clients, and takes the place of
    // edge.listen.
    auto inherited_admin =
        sockets_.take("admin", uv::parse_address(config_.edge.admin).value_or(uv::UnixAddress{}));
    if (!(sockets_.empty() ? listen_for_clients() : adopt_for_clients())) return false;
    if (inherited_admin) {
      say_listening("admin ", admin_.adopt(*std::move(inherited_admin)));
    } else if (!listen_for_admin()) {
      return false;
    }
    service::tell_ready("serving");
    watchdog_.start();
    return true;
  }

  // Without it an edge can serve, but not be taken over.
  bool listen_for_successor() {
    const Result<void> listens = handoff_.listen();
    if (listens) return true;
    const bool is_running = listens.error().code == ErrorCode::AddressInUse;
    log_.log(is_running ? LogLevel::Error : LogLevel::Warn,
             is_running
                 ? "an edge of this name runs: --takeover takes it over, --name names another"
                 : "this edge can't be taken over",
             {{"name", config_.edge.name}, {"reason", listens.error().message()}});
    return !is_running;
  }

  bool listen_for_admin() {
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
    if (is_linked) handoff_.on_linked();
  }

  void on_link_warning(std::string_view text) override { log_.warn(text); }

  // HandoffHost.
  void on_listeners(std::vector<HandedListener> listeners) override {
    for (HandedListener& handed : listeners) {
      const bool is_admin = handed.kind == ListenerKind::Admin;
      if (!is_admin && handed.kind != ListenerKind::Clients) continue;
      if (is_admin && config_.edge.admin.empty()) continue;
      http::Server& server = is_admin ? admin_.server() : server_.http_server();
      const uv::Address address = server.adopt(std::move(handed.socket));
      if (handed.owns_file) server.listeners().back()->own_file();
      say_listening(is_admin ? "admin " : "", address);
    }
  }
  void on_taken_over(bool has_listeners) override {
    const bool is_listening =
        has_listeners ? !admin_.server().listeners().empty() || listen_for_admin() : listen();
    if (!is_listening) return end(kExitListen);
    service::tell_main_process(getpid());
    service::tell_ready("serving");
    watchdog_.start(service::Succession::TookOver);
  }
  // What has come nevertheless is told to come back, to the one that serves on.
  void on_takeover_failed() override {
    exit_status_ = kExitTakeover;
    drain();
  }
  void on_successor(pid_t /*pid*/) override {
    give_up_successor_.stop();
    watchdog_.stop();
    exit_status_ = replaced_status();
  }
  void on_leave() override {
    exit_status_ = replaced_status();
    drain();
  }
  void on_handoff_failed(const std::string& /*reason*/) override { serve_on(); }

  // A worker's supervisor must know that nobody is to be started in its place.
  [[nodiscard]] static int replaced_status() {
    return std::getenv(kWorkerVariable) == nullptr ? 0 : kExitReplaced;
  }

  // SIGUSR2: the program, as it is on disk now, takes over.
  void start_successor() {
    if (is_draining_ || successor_.pid() != 0) {
      log_.warn("no handoff is begun: this edge drains, or a successor is there already");
      return;
    }
    service::tell_reloading("handing over");
    const Result<pid_t> started = successor_.start();
    if (!started) {
      log_.error("the new edge can't be started; this one serves on",
                 {{"reason", started.error().message()}});
      return serve_on();
    }
    log_.info("started a new edge to take over", {{"pid", *started}});
    give_up_successor_.start_once(std::chrono::milliseconds(config_.limits.handoff_link_ms) +
                                  kSuccessorPatience);
  }

  void on_successor_ended(int status) {
    give_up_successor_.stop();
    if (is_draining_ || exit_status_ != 0) return;
    log_.error("the new edge has ended; this one serves on", {{"status", status}});
    serve_on();
  }

  void serve_on() { service::tell_ready("serving; the last handoff failed"); }

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
    rates_.tick();
  }

  // The first signal lets clients go one by one, the second ends at once.
  void on_stop_signal() {
    if (is_draining_) return loop_.stop();
    handoff_.stop("this edge was told to stop");
    service::tell_stopping();
    drain();
  }

  void drain() {
    if (std::exchange(is_draining_, true)) return;
    log_.info("draining", {{"clients", server_.live_clients()}, {"ms", config_.edge.drain_ms}});
    server_.drain([this] { see_messages_through(); });
  }

  // Messages that the app is being asked about outlive their clients, and are given the time that
  // the app has.
  void see_messages_through() {
    if (!publishes_.is_idle()) {
      log_.info("waiting for messages under way", {{"messages", publishes_.unanswered()}});
    }
    const auto& limits = config_.limits;
    give_up_messages_.start_once(
        std::chrono::milliseconds(limits.dispatch_timeout_ms + limits.link_wait_ms));
    publishes_.when_idle([this] { loop_.stop(); });
  }

  void give_up_messages() {
    log_.warn("messages under way are given up", {{"messages", publishes_.unanswered()}});
    loop_.stop();
  }

  void end(int status) {
    exit_status_ = status;
    loop_.stop();
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
  PresenceHub presence_{link_, loop_, client_presence_encoders(), config_.limits, limit_counters_};
  HttpAuthorizer authorizer_{loop_,           wheel_.wheel(),   config_.limits,
                             limit_counters_, server_counters_, config_.apps};
  HttpDispatcher dispatcher_{loop_,
                             wheel_.wheel(),
                             config_.limits,
                             limit_counters_,
                             server_counters_,
                             config_.apps,
                             [this](std::string_view text) { log_.warn(text); }};
  ClientRates rates_{loop_, config_.limits, limit_counters_, session_counters_};
  DefinitionsDirectory definitions_;
  LinkGate gate_{link_, loop_, random_, config_.limits, limit_counters_};
  Revocations revocations_{hub_, authorizer_, loop_, config_.limits, limit_counters_};
  GuardedAuthorizer guard_{authorizer_, revocations_.book(), loop_};
  PublishLines publishes_{link_, dispatcher_, revocations_.book(), config_.limits, limit_counters_};
  WebhookPoster webhooks_{
      loop_,        wheel_.wheel(), config_.limits, limit_counters_, server_counters_,
      config_.apps, link_};
  EdgeBrokerEvents events_{hub_,         presence_, definitions_, authorizer_,
                           revocations_, webhooks_, gate_};
  OriginPolicies origins_ = origins_of(config_);
  EdgeServices services_{.hub = hub_,
                         .presence = presence_,
                         .broker = link_,
                         .authorizer = guard_,
                         .revocations = revocations_,
                         .definitions = definitions_,
                         .gate = gate_,
                         .origins = origins_,
                         .clock = loop_,
                         .random = random_,
                         .limits = config_.limits,
                         .limit_counters = limit_counters_,
                         .counters = session_counters_,
                         .publishes = publishes_,
                         .rates = rates_};
  std::vector<std::unique_ptr<ClientProtocol>> protocols_ = make_client_protocols(services_);
  EdgeServer server_{{loop_, wheel_.wheel(), random_, link_, origins_, config_, limit_counters_,
                      server_counters_, [this](std::string_view text) { log_.warn(text); }},
                     protocol_list()};
  Metrics metrics_;
  AdminServer admin_{loop_, wheel_.wheel(), metrics_, [this] { return why_not_ready(); }};
  HandoffCounters handoff_counters_;
  HandoffSocket handoff_socket_{loop_, [this](uv::Fd peer) { handoff_.on_peer(std::move(peer)); },
                                [this](std::uint32_t uid) { handoff_.on_stranger(uid); }};
  EdgeListeners listeners_{server_, admin_, handoff_socket_};
  Handoff handoff_{
      {loop_, server_, listeners_, config_.limits, limit_counters_, handoff_counters_, log_,
       [this] { return ControlPosition{link_.control_stream(), link_.control_applied()}; }},
      handoff_socket_,
      handoff_path(config_.edge),
      std::chrono::milliseconds(config_.edge.drain_ms),
      *this};
  int exit_status_ = 0;
  bool is_draining_ = false;
  Successor successor_;
  uv::Timer give_up_successor_{loop_, [this] { successor_.kill(); }};
  uv::Timer give_up_messages_{loop_, [this] { give_up_messages(); }};
  uv::Timer tick_{loop_, [this] { on_tick(); }};
  service::Watchdog watchdog_{loop_};
  uv::SignalWatcher on_term_{loop_, SIGTERM, [this] { on_stop_signal(); }};
  uv::SignalWatcher on_usr2_{loop_, SIGUSR2, [this] { start_successor(); }};
  uv::SignalWatcher on_int_{loop_, SIGINT, [this] { on_stop_signal(); }};

  [[nodiscard]] std::vector<ClientProtocol*> protocol_list() const {
    std::vector<ClientProtocol*> list;
    list.reserve(protocols_.size());
    for (const auto& protocol : protocols_) list.push_back(protocol.get());
    return list;
  }
};

int run(const std::string& program, const std::vector<std::string>& arguments) {
  const config::StartUp start = config::start_up(
      config::Program::Edge, arguments, config::process_environment(), std::cout, std::cerr);
  if (!start.loaded) return start.exit_code;
  const config::Config& config = start.loaded->config;
  auto sockets = service::InheritedSockets::take_over();
  if (!sockets) throw std::runtime_error(std::string(sockets.error().message()));
  ignore_write_signals();
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
    return supervise(program, arguments, config, log);
  }
  Log log(log_options);
  for (const std::string& warning : start.loaded->warnings) log.warn(warning);
  log.info("starting", {{"version", config::version_text()}, {"open_files_max", files}});
  return Edge(config, log, *std::move(sockets), {program, arguments}).run();
}

}  // namespace
}  // namespace tako::edge

int main(int argc, char** argv) {
  try {
    return tako::edge::run(tako::edge::own_program(argv[0]), {argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tako-edge: %s\n", error.what());
    return 1;
  }
}
