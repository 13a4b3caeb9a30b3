// Config: what the programs are told to do; load.h fills it from options, environment and file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/runtime_limits.h"

namespace tako::config {

enum class Program : std::uint8_t { Broker, Edge };
[[nodiscard]] std::string_view to_string(Program program);  // "tako-broker", "tako-edge"

struct BrokerConfig {
  std::string data_dir = "/var/lib/tako";
  std::string app_socket = "/run/tako/app.sock";
  std::string link = "/run/tako/broker.sock";
  std::string log = "disk";  // the log engine's name
  std::string admin;         // address; empty: none
};

struct EdgeConfig {
  std::vector<std::string> listen = {"127.0.0.1:8080"};  // addresses
  std::string link = "/run/tako/broker.sock";
  std::string upstream;  // http::Origin's text; empty: none
  std::string admin;     // address; empty: none
  std::size_t workers = 1;
  std::string name = "edge";
  std::string app_secret_file;
  std::int64_t drain_ms = 5'000;
  bool takeover = false;  // --takeover, of this start only: no key
};

struct LogConfig {
  std::string format = "text";  // text, json
  std::string level = "info";   // debug, info, warn, error, off
};

// For calls of /_tako/api on an edge: `Authorization: Bearer <key>:<secret>`.
struct AppKey {
  std::string key;
  std::string secret;
};

struct AppConfig {
  std::string id = "default";
  std::vector<AppKey> keys;
  std::vector<std::string> hosts;  // lower case, without port; the only app takes all
  std::string upstream;            // http::Origin's text; empty: none
  std::string webhook_url;         // http::Origin's text; empty: the upstream
  std::string secret_file;
  std::vector<std::string> allowed_origins;  // whole origins, lower case; empty: the same host
  std::vector<std::uint32_t> socket_uids;    // who may use the app socket; empty: all it lets in
  std::string definitions_file;
  std::string ack = "synced";  // what acknowledging a publish promises: synced, written
  RuntimeLimits limits;        // Config::limits and what the app's own table changes

  // Read from the files above by the program that needs them, else empty.
  std::string secret;            // edge: X-Tako-Internal-Token
  std::string definitions_json;  // broker: {"definitions":[…]}, checked
};

struct Config {
  BrokerConfig broker;
  EdgeConfig edge;
  LogConfig log;
  std::vector<std::string> trusted_proxies;  // IpRange's texts; empty: none
  RuntimeLimits limits;
  std::vector<AppConfig> apps;  // at least one once loaded
};

}  // namespace tako::config
