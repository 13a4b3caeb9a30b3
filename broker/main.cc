// tako-broker: builds every part, in order, and alone knows them all.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker/api/api_server.h"
#include "broker/broker_metrics.h"
#include "broker/channel/channel_table.h"
#include "broker/channel/control_stream.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/publisher.h"
#include "broker/channel/revoker.h"
#include "broker/cluster/cluster_engines.h"
#include "broker/edge_registry.h"
#include "broker/link_server.h"
#include "broker/log/log_engines.h"
#include "broker/log_disk.h"
#include "broker/presence/presence_table.h"
#include "broker/state_disk.h"
#include "broker/webhook/presence_webhooks.h"
#include "common/clock.h"
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

namespace tako::broker {
namespace {

constexpr std::chrono::milliseconds kTick{100};
constexpr int kExitListen = 1;
constexpr int kExitFailed = 1;
constexpr std::string_view kClusterEngine = "single-box";

std::vector<std::string> app_ids(const config::Config& config) {
  std::vector<std::string> ids;
  ids.reserve(config.apps.size());
  for (const config::AppConfig& app : config.apps) ids.push_back(app.id);
  return ids;
}

const LogEngineEntry& log_entry(const std::string& name) {
  const LogEngineEntry* entry = find_log_engine(name);
  // The configuration checks the name; a difference between the two lists is our fault.
  if (entry == nullptr) throw std::logic_error("no log engine is called " + name);
  return *entry;
}

template <typename Made>
Made or_throw(Result<Made> made) {
  if (!made) throw std::runtime_error(std::string(made.error().message()));
  return std::move(*made);
}

std::unique_ptr<ClusterEngine> make_cluster(LogEngine& log) {
  const ClusterEngineEntry* entry = find_cluster_engine(kClusterEngine);
  if (entry == nullptr) throw std::logic_error("no cluster engine for one box");
  return entry->make(log);
}

// A stream of 0 would mean "none yet" to an edge.
std::uint64_t control_stream_id(Random& random) { return random.next() | 1U; }

// The broker process. Members are in the order in which they are built; they end in the reverse.
class Broker {
 public:
  Broker(const config::Config& config, Log& log, service::InheritedSockets sockets)
      : config_(config), log_(log), sockets_(std::move(sockets)) {
    register_broker_metrics(metrics_, {channels_, publisher_, edges_, links_, api_server_, state_,
                                       presence_, webhooks_});
    presence_.set_events(&presence_webhooks_);
    register_http_limits(metrics_, admin_.counters());
    metrics_.limits(limit_counters_);
    metrics_.process("tako-broker");
    for (const config::AppConfig& app : config_.apps) {
      publisher_.set_ack(app.id, ack_kind_from(app.ack).value_or(AckKind::Synced));
    }
  }

  int run() {
    control_.restore(revocations_);
    webhooks_.restore();
    const auto put = put_known_definitions(config_.apps, store_.get(), definitions_);
    if (!put) {
      log_.error(put.error().message());
      return kExitListen;
    }
    for (const std::string& unread : *put) log_.warn(unread);
    channels_.restore();
    presence_.restore();
    presence_.set_alarm(
        [this](std::chrono::milliseconds wait) { presence_alarm_.start_once(wait); });
    if (!listen()) return kExitListen;
    tick_.start_repeating(kTick);
    service::tell_ready("serving");
    watchdog_.start();
    loop_.run();
    log_.info("ended");
    return has_failed_ ? kExitFailed : 0;
  }

 private:
  bool listen() {
    const config::BrokerConfig& wanted = config_.broker;
    if (!is_listening(links_.listen(wanted.link), "link", wanted.link)) return false;
    if (!listen_for_apps(wanted.app_socket)) return false;
    if (!listen_for_admin(wanted.admin)) return false;
    if (sockets_.empty()) return true;
    // A socket that nobody serves would swallow what connects to it.
    log_.error("inherited sockets that are none of ours: " + sockets_.describe() +
               "; FileDescriptorName= is app or admin, and the link socket is always bound by the "
               "broker itself");
    return false;
  }

  bool listen_for_apps(const std::string& path) {
    if (auto inherited = sockets_.take("app", uv::UnixAddress{path})) {
      const uv::Address address = api_server_.adopt(*std::move(inherited));
      log_.info("listening",
                {{"for", "app socket"}, {"address", uv::to_string(address)}, {"inherited", true}});
      return true;
    }
    return is_listening(api_server_.listen(path), "app socket", path);
  }

  // An inherited socket serves without being configured, and in place of what is.
  bool listen_for_admin(const std::string& text) {
    const auto address = uv::parse_address(text);
    auto inherited = sockets_.take("admin", address.value_or(uv::UnixAddress{}));
    if (!inherited && text.empty()) return true;
    auto bound = inherited ? admin_.adopt(*std::move(inherited)) : listen_at(address);
    if (!bound) {
      log_.error(bound.error().message());
      return false;
    }
    std::cout << "admin " << uv::to_string(*bound) << std::endl;
    log_.info("listening", {{"for", "admin"}, {"address", uv::to_string(*bound)}});
    return true;
  }

  Result<uv::Address> listen_at(const Result<uv::Address>& address) {
    return address ? admin_.listen(*address) : std::unexpected(address.error());
  }

  bool is_listening(const Result<void>& result, std::string_view what, const std::string& path) {
    if (!result) {
      log_.error(result.error().message());
      return false;
    }
    log_.info("listening", {{"for", what}, {"path", path}});
    return true;
  }

  void on_tick() {
    channels_.tick();
    control_.tick();
    presence_.tick();
    webhooks_.tick();
    state_.tick();
  }

  // The first signal lets requests in flight finish, the second ends at once.
  void on_stop_signal() {
    if (is_stopping_) {
      loop_.stop();
      return;
    }
    is_stopping_ = true;
    log_.info("stopping");
    service::tell_stopping();
    api_server_.drain([this] { leave_edges(); });
  }

  // The log is closed when nobody can append any more, and what the edges' end has changed is kept.
  void leave_edges() {
    presence_.freeze();
    links_.leave([this] {
      engine_->close([this] {
        state_.when_written([this](const Result<void>& /*written*/) { loop_.stop(); });
      });
    });
  }

  std::unique_ptr<LogDisk> open_disk() {
    if (!log_entry(config_.broker.log).needs_folder) return nullptr;
    return or_throw(LogDisk::open(loop_, config_.broker.data_dir, log_, [this] {
      has_failed_ = true;
      loop_.stop();
    }));
  }
  std::unique_ptr<LogEngine> open_log() {
    const auto began = std::chrono::steady_clock::now();
    auto log = or_throw(log_entry(config_.broker.log)
                            .make({loop_, random_, config_.limits, limit_counters_,
                                   disk_ == nullptr ? nullptr : &disk_->seams()}));
    const auto took = std::chrono::steady_clock::now() - began;
    log_.info("log ready",
              {{"engine", config_.broker.log},
               {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}});
    return log;
  }
  std::unique_ptr<DefinitionsStore> open_store() {
    if (disk_ == nullptr) return nullptr;
    return std::make_unique<DefinitionsStore>(config_.broker.data_dir + "/definitions",
                                              disk_->worker());
  }

  std::unique_ptr<StateDisk> open_state() {
    if (disk_ == nullptr) return nullptr;
    return or_throw(StateDisk::open(loop_, config_.broker.data_dir, log_));
  }

  [[nodiscard]] std::vector<std::string> why_not_ready() const {
    if (is_stopping_) return {"stopping"};
    return {};
  }

  const config::Config& config_;
  Log& log_;
  service::InheritedSockets sockets_;
  bool is_stopping_ = false;
  bool has_failed_ = false;
  LimitCounters limit_counters_;
  SystemRandom random_;
  uv::Loop loop_;
  uv::LoopTimerWheel wheel_{loop_};
  std::unique_ptr<LogDisk> disk_ = open_disk();  // null: the log is in memory
  std::unique_ptr<LogEngine> engine_ = open_log();
  std::unique_ptr<DefinitionsStore> store_ = open_store();
  std::unique_ptr<StateDisk> state_disk_ = open_state();
  NoStateStore no_state_;
  StateStore& state_ = state_disk_ == nullptr ? no_state_ : state_disk_->store();
  std::unique_ptr<ClusterEngine> cluster_ = make_cluster(*engine_);
  ControlStream control_{control_stream_id(random_), loop_, config_.limits, limit_counters_};
  DefinitionsRegistry definitions_{app_ids(config_), control_, limit_counters_};
  ChannelTable channels_{*engine_, definitions_, loop_, config_.limits, limit_counters_};
  Publisher publisher_{channels_, *cluster_, definitions_, loop_, config_.limits, limit_counters_};
  WebhookDispatch webhooks_{definitions_, state_, loop_, random_, config_.limits, limit_counters_};
  PresenceWebhooks presence_webhooks_{webhooks_};
  PresenceTable presence_{{definitions_, state_, loop_, random_, config_.limits, limit_counters_}};
  RevocationStore revocations_{state_, machine_boot_id()};
  SystemClock clock_;
  Revoker revoker_{control_, state_, clock_, [this](const Revocation& revoked) {
                     presence_.disconnect(revoked.app, revoked.subject, revoked.name, revoked.key);
                   }};
  AppApiParts api_parts_{config_.apps, channels_, definitions_,    publisher_,  presence_,
                         revoker_,     loop_,     limit_counters_, store_.get()};
  AppApi api_{api_parts_};
  EdgeRegistry edges_{BrokerParts{.table = channels_,
                                  .publisher = publisher_,
                                  .definitions = definitions_,
                                  .control = control_,
                                  .presence = presence_,
                                  .webhooks = webhooks_,
                                  .api = api_,
                                  .log = log_,
                                  .limits = config_.limits,
                                  .limit_counters = limit_counters_}};
  LinkServer links_{loop_, edges_};
  ReadyCheck ready_ = [this] { return why_not_ready(); };
  ApiServer api_server_{loop_, wheel_.wheel(), api_, api_parts_, config_.limits, ready_};
  Metrics metrics_;
  AdminServer admin_{loop_, wheel_.wheel(), metrics_, ready_};
  uv::Timer presence_alarm_{loop_, [this] { presence_.tick(); }};
  uv::Timer tick_{loop_, [this] { on_tick(); }};
  service::Watchdog watchdog_{loop_};
  uv::SignalWatcher on_term_{loop_, SIGTERM, [this] { on_stop_signal(); }};
  uv::SignalWatcher on_int_{loop_, SIGINT, [this] { on_stop_signal(); }};
};

int run(const std::vector<std::string>& arguments) {
  const config::StartUp start = config::start_up(
      config::Program::Broker, arguments, config::process_environment(), std::cout, std::cerr);
  if (!start.loaded) return start.exit_code;
  const config::Config& config = start.loaded->config;
  auto sockets = service::InheritedSockets::take_over();
  if (!sockets) throw std::runtime_error(std::string(sockets.error().message()));
  ignore_write_signals();
  const std::uint64_t files = raise_open_files_limit();
  Log log({.level = log_level_from(config.log.level),
           .is_json = config.log.format == "json",
           .name = "broker"});
  for (const std::string& warning : start.loaded->warnings) log.warn(warning);
  log.info(
      "starting",
      {{"version", config::version_text()}, {"log", config.broker.log}, {"open_files_max", files}});
  service::tell_status("opening the log");  // Which a large one makes take its time.
  return Broker(config, log, *std::move(sockets)).run();
}

}  // namespace
}  // namespace tako::broker

int main(int argc, char** argv) {
  try {
    return tako::broker::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tako-broker: %s\n", error.what());
    return 1;
  }
}
