// What can be configured.
#include "common/config/keys.h"

#include <algorithm>
#include <cctype>

#include "common/config/checks.h"
#include "common/config/limit_keys.h"

namespace tako::config {
namespace {

template <typename Member>
std::function<Slot(Config&)> in_broker(Member BrokerConfig::* member) {
  return [member](Config& config) { return Slot(&(config.broker.*member)); };
}
template <typename Member>
std::function<Slot(Config&)> in_edge(Member EdgeConfig::* member) {
  return [member](Config& config) { return Slot(&(config.edge.*member)); };
}
template <typename Member>
std::function<Slot(Config&)> in_log(Member LogConfig::* member) {
  return [member](Config& config) { return Slot(&(config.log.*member)); };
}
template <typename Member>
std::function<Slot(AppConfig&)> in_app(Member AppConfig::* member) {
  return [member](AppConfig& app) { return Slot(&(app.*member)); };
}

constexpr std::int64_t kWorkersMax = 256;
constexpr std::int64_t kDrainMsMax = 3'600'000;
constexpr std::int64_t kUidMax = 4'294'967'294;  // 2^32 - 1 means "no user"

std::vector<KeySpec> shared_keys() {
  return {
      {"",
       "trusted_proxies",
       Users::Edge,
       "--trusted-proxy",
       "CIDR",
       "proxies whose X-Forwarded-* and Forwarded headers are believed",
       {check_ip_range},
       [](Config& config) { return Slot(&config.trusted_proxies); }},
  };
}

std::vector<KeySpec> broker_keys() {
  const Users broker = Users::Broker;
  return {
      {"broker",
       "data_dir",
       broker,
       "--data-dir",
       "DIR",
       "where the broker keeps its files",
       {check_path},
       in_broker(&BrokerConfig::data_dir)},
      {"broker",
       "app_socket",
       broker,
       "--app-socket",
       "PATH",
       "unix socket of the app API",
       {check_socket_path},
       in_broker(&BrokerConfig::app_socket)},
      {"broker",
       "link",
       broker,
       "--link",
       "PATH",
       "unix socket where edges link",
       {check_socket_path},
       in_broker(&BrokerConfig::link)},
      {"broker",
       "log",
       broker,
       "--log",
       "disk|memory",
       "where messages are kept for replay",
       {check_log_engine},
       in_broker(&BrokerConfig::log)},
      {"broker",
       "admin",
       broker,
       "--admin",
       "ADDR:PORT",
       "serves /healthz, /readyz, /metrics",
       {check_optional_address},
       in_broker(&BrokerConfig::admin)},
  };
}

std::vector<KeySpec> edge_keys() {
  const Users edge = Users::Edge;
  return {
      {"edge",
       "listen",
       edge,
       "--listen",
       "ADDR:PORT",
       "where clients connect; repeatable; port 0 takes a free one",
       {check_address},
       in_edge(&EdgeConfig::listen)},
      {"edge",
       "link",
       edge,
       "--link",
       "PATH",
       "unix socket of the broker",
       {check_socket_path},
       in_edge(&EdgeConfig::link)},
      {"edge",
       "upstream",
       edge,
       "--upstream",
       "http://HOST:PORT|unix:PATH",
       "the app behind: callbacks, and all paths that are not ours",
       {check_optional_origin},
       in_edge(&EdgeConfig::upstream)},
      {"edge",
       "admin",
       edge,
       "--admin",
       "ADDR:PORT",
       "serves /healthz, /readyz, /metrics",
       {check_optional_address},
       in_edge(&EdgeConfig::admin)},
      {"edge",
       "workers",
       edge,
       "--workers",
       "N",
       "processes that share the listening addresses",
       {nullptr, 1, kWorkersMax},
       in_edge(&EdgeConfig::workers)},
      {"edge",
       "name",
       edge,
       "--name",
       "NAME",
       "names this edge to the broker and to its successor",
       {check_process_name},
       in_edge(&EdgeConfig::name)},
      {"edge",
       "app_secret_file",
       edge,
       "--app-secret-file",
       "FILE",
       "holds the secret that callbacks carry in X-Tako-Internal-Token",
       {check_optional_path},
       in_edge(&EdgeConfig::app_secret_file)},
      {"edge",
       "drain_ms",
       edge,
       "--drain-ms",
       "N",
       "over how long clients are sent away when the edge stops",
       {nullptr, 0, kDrainMsMax},
       in_edge(&EdgeConfig::drain_ms)},
  };
}

std::vector<KeySpec> log_keys() {
  return {
      {"log",
       "format",
       Users::Both,
       "--log-format",
       "text|json",
       "form of the log's lines",
       {check_log_format},
       in_log(&LogConfig::format)},
      {"log",
       "level",
       Users::Both,
       "--log-level",
       "LEVEL",
       "debug, info, warn, error or off",
       {check_log_level},
       in_log(&LogConfig::level)},
  };
}

std::vector<KeySpec> limit_key_specs() {
  std::vector<KeySpec> specs;
  for (const LimitKey& key : limit_keys()) {
    specs.push_back({"limits", std::string(key.name), Users::Both, "", "N", std::string(key.help),
                     key.rule(), [&key](Config& config) { return key.slot(config.limits); }});
  }
  return specs;
}

}  // namespace

std::string KeySpec::environment() const {
  const bool has_section = section == "log" || section == "limits";
  std::string text = "TAKO_" + (has_section ? path() : name);
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c == '.' ? '_' : static_cast<char>(std::toupper(c));
  });
  return text;
}

bool KeySpec::is_for(Program program) const {
  return users == Users::Both || (users == Users::Broker) == (program == Program::Broker);
}

const std::vector<KeySpec>& key_specs() {
  static const std::vector<KeySpec> specs = [] {
    std::vector<KeySpec> all;
    for (const auto& part :
         {shared_keys(), broker_keys(), edge_keys(), log_keys(), limit_key_specs()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return specs;
}

const std::vector<AppKeySpec>& app_key_specs() {
  static const std::vector<AppKeySpec> specs{
      {"id",
       Users::Both,
       "names the app; callbacks go to the Host <id>.tako",
       {check_app_id},
       in_app(&AppConfig::id)},
      {"hosts",
       Users::Edge,
       "requests to these hosts belong to this app; the only app takes all",
       {check_host},
       in_app(&AppConfig::hosts)},
      {"upstream",
       Users::Edge,
       "the app behind; default: edge.upstream",
       {check_optional_origin},
       in_app(&AppConfig::upstream)},
      {"webhook_url",
       Users::Edge,
       "where webhooks are posted, without the internal token; default: the upstream",
       {check_optional_origin},
       in_app(&AppConfig::webhook_url)},
      {"secret_file",
       Users::Edge,
       "the callbacks' secret; default: edge.app_secret_file",
       {check_optional_path},
       in_app(&AppConfig::secret_file)},
      {"allowed_origins",
       Users::Edge,
       "web origins that may use channels; default: the same host",
       {check_web_origin},
       in_app(&AppConfig::allowed_origins)},
      {"socket_uids",
       Users::Broker,
       "user ids that may use the app socket; default: all it lets in",
       {nullptr, 0, kUidMax},
       in_app(&AppConfig::socket_uids)},
      {"ack",
       Users::Broker,
       "synced: a publish is answered when it is on the disk; written: when a kill can't lose it",
       {check_ack},
       in_app(&AppConfig::ack)},
      {"definitions_file",
       Users::Broker,
       "definitions that are put at the start (JSON)",
       {check_optional_path},
       in_app(&AppConfig::definitions_file)},
  };
  return specs;
}

std::string_view to_string(Program program) {
  return program == Program::Broker ? "tako-broker" : "tako-edge";
}

}  // namespace tako::config
