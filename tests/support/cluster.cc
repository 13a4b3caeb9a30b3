// Starts the product's programs with the options that the documentation promises, and nothing else.
#include "tests/support/cluster.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <sstream>
#include <utility>

namespace tako::test {
namespace {

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// The name of a sample line, without labels.
std::string_view sample_name(std::string_view line) {
  return line.substr(0, line.find_first_of("{ "));
}

}  // namespace

Cluster::Cluster(ClusterOptions options) : options_(std::move(options)) {
  if (options_.activates_app_socket) {
    app_listener_.emplace(app_socket());
    options_.broker_inherited.push_back(app_listener_->fd());
  }
  folder_.write("secret", std::string(app_secret()) + "\n");
  if (options_.has_app && options_.upstream.empty()) {
    app_ = std::make_unique<StubApp>(options_.app_on_unix_socket ? "unix:" + folder_.file("up.sock")
                                                                 : "127.0.0.1:0");
  }
  if (options_.starts_broker) start_broker();
  for (int count = 0; count < options_.edges; ++count) add_edge();
  if (!options_.starts_broker) return;
  for (std::size_t index = 0; index < edges_.size(); ++index) wait_until_ready(index);
  if (!options_.definitions.empty()) put_definitions(options_.definitions);
}

Cluster::~Cluster() {
  for (const Edge& edge : edges_) stop(*edge.process, "tako-edge");
  if (broker_) stop(*broker_, "tako-broker");
}

void Cluster::stop(Process& process, std::string_view name) const {
  constexpr int kKilled = 128 + SIGKILL;  // By the test itself.
  try {
    const bool was_running = process.is_running();
    const int status = was_running ? process.terminate() : process.wait_for_exit();
    if (status == 0 || (!was_running && status == kKilled)) return;
    ADD_FAIL_CHECK_AT(__FILE__, __LINE__,
                      name << " ended with status " << status << "\n"
                           << process.errors());
  } catch (const TestFailure& failure) {
    ADD_FAIL_CHECK_AT(__FILE__, __LINE__, name << " did not stop: " << failure.what());
  }
}

void Cluster::start_broker(std::vector<std::string> launcher) {
  launcher.push_back(program("tako-broker"));
  std::vector<std::string> arguments(launcher.begin() + 1, launcher.end());
  append(arguments, {"--app-socket", folder_.file("app.sock"), "--link", link_path(), "--data-dir",
                     folder_.file("data"), "--log", options_.log, "--admin", "127.0.0.1:0"});
  if (!options_.broker_config.empty()) {
    append(arguments, {"--config", folder_.write("broker.toml", options_.broker_config)});
  }
  append(arguments, options_.broker_arguments);
  broker_ = std::make_unique<Process>(
      ProcessOptions{.program = launcher.front(),
                     .arguments = std::move(arguments),
                     .environment = options_.broker_environment,
                     .inherited = options_.broker_inherited,
                     .output_folder = folder_.path(),
                     .name = "broker" + std::to_string(broker_starts_++)});
  broker_admin_ = broker_->output_after("admin ");
  wait_until("the broker's app socket", [this] { return Socket::reachable(app_socket()); });
}

void Cluster::kill_broker() {
  broker_->kill();
  broker_.reset();
}

std::unique_ptr<Process> Cluster::start_edge(std::size_t edge, int start,
                                             const std::vector<std::string>& more) {
  const std::string name = "edge" + std::to_string(edge);
  std::vector<std::string> arguments{"--listen",
                                     "127.0.0.1:0",
                                     "--link",
                                     link_path(),
                                     "--admin",
                                     "127.0.0.1:0",
                                     "--name",
                                     name,
                                     "--drain-ms",
                                     std::to_string(options_.drain_ms),
                                     "--app-secret-file",
                                     folder_.file("secret")};
  const std::string upstream = app_ ? app_->upstream() : options_.upstream;
  if (!upstream.empty()) append(arguments, {"--upstream", upstream});
  if (!options_.edge_config.empty()) {
    append(arguments, {"--config", folder_.write("edge.toml", options_.edge_config)});
  }
  append(arguments, options_.edge_arguments);
  append(arguments, more);
  return std::make_unique<Process>(
      ProcessOptions{.program = program("tako-edge"),
                     .arguments = std::move(arguments),
                     .environment = options_.edge_environment,
                     .inherited = options_.edge_inherited,
                     .output_folder = folder_.path(),
                     .name = start == 1 ? name : name + "-" + std::to_string(start)});
}

std::size_t Cluster::add_edge() {
  auto process = start_edge(edges_.size(), 1, {});
  Endpoint address = process->output_line(0);
  Endpoint admin = process->output_after("admin ");
  edges_.push_back({.process = std::move(process),
                    .successor = nullptr,
                    .starts = 1,
                    .address = std::move(address),
                    .admin = std::move(admin)});
  return edges_.size() - 1;
}

Process& Cluster::begin_takeover(std::size_t edge, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = more;
  arguments.emplace_back("--takeover");
  Edge& old = edges_.at(edge);
  old.successor = start_edge(edge, ++old.starts, arguments);
  return *old.successor;
}

void Cluster::finish_takeover(std::size_t edge) {
  Edge& old = edges_.at(edge);
  old.successor->wait_for_text("taken over");
  if (const int status = old.process->wait_for_exit(); status != 0) {
    throw TestFailure("the old edge ended with " + std::to_string(status) + "\n" +
                      old.process->errors());
  }
  old.process = std::move(old.successor);
}

void Cluster::wait_until_ready(std::size_t edge) {
  wait_until("/readyz of the edge",
             [this, edge] { return http_get(edge_admin(edge), "/readyz").status == 200; });
}

HttpResponse Cluster::api(std::string method, std::string target, std::string body,
                          Headers headers) {
  if (!body.empty()) headers.push_back({"Content-Type", "application/json"});
  return http(app_socket(), {.method = std::move(method),
                             .target = std::move(target),
                             .headers = std::move(headers),
                             .body = std::move(body)});
}

void Cluster::put_definitions(std::string_view definitions) {
  const HttpResponse response =
      api("PUT", "/v1/definitions", "{\"definitions\":" + std::string(definitions) + "}");
  if (response.status == 200 && !response.json().has("pending")) return;
  throw TestFailure("PUT /v1/definitions: " + response.head.start_line + " " + response.body);
}

Json Cluster::publish(std::string_view channel, std::string_view type, std::string_view data,
                      std::string_view query) {
  std::string target = "/v1/channels/" + percent_encoded(channel) + "/messages";
  if (!query.empty()) target += "?" + std::string(query);
  const HttpResponse response = api(
      "POST", target, "{\"type\":" + json_string(type) + ",\"data\":" + std::string(data) + "}");
  if (response.status != 201) {
    throw TestFailure("publish: " + response.head.start_line + " " + response.body);
  }
  return response.json();
}

std::vector<std::string> Cluster::publish_numbers(std::string_view channel, int count,
                                                  std::string_view query) {
  std::vector<std::string> ids;
  for (int number = 1; number <= count; ++number) {
    ids.push_back(publish(channel, "n", std::to_string(number), query)["id"].string());
  }
  return ids;
}

double metric(const Endpoint& admin, std::string_view series) {
  const HttpResponse response = http_get(admin, "/metrics");
  if (response.status != 200) throw TestFailure("/metrics: " + response.head.start_line);
  double sum = 0;
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const std::string_view key = series.find('{') == std::string_view::npos
                                     ? sample_name(line)
                                     : std::string_view(line).substr(0, line.rfind(' '));
    if (key == series) sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

bool has_metric(const Endpoint& admin, std::string_view name) {
  const HttpResponse response = http_get(admin, "/metrics");
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#') && sample_name(line) == name) return true;
  }
  return false;
}

void wait_for_metric(const Endpoint& admin, std::string_view series, double value) {
  wait_until("metric " + std::string(series) + " >= " + std::to_string(value),
             [&] { return metric(admin, series) >= value; });
}

}  // namespace tako::test
