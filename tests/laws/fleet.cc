// Starts the programs as an operator would, and ends them as nobody should.
#include "tests/laws/fleet.h"

#include <signal.h>

#include <algorithm>
#include <thread>

#include "tests/support/http_client.h"

namespace tako::test {
namespace {

constexpr std::string_view kSecret = "soak-secret";
constexpr std::string_view kApiKey = "keys = [{ key = \"k\", secret = \"s\" }]\n";
constexpr Duration kEndPatience{30'000};

std::string app_config(const std::string& definitions_file) {
  return "[[apps]]\nid = \"default\"\ndefinitions_file = \"" + definitions_file + "\"\n";
}

}  // namespace

Fleet::Fleet(FleetOptions options) : options_(std::move(options)) {
  folder_.write("secret", std::string(kSecret) + "\n");
  folder_.write("broker.toml", app_config(folder_.write("definitions.json", options_.definitions)));
  folder_.write("edge.toml", "[[apps]]\nid = \"default\"\n" + std::string(kApiKey));
  start_broker();
  edges_.resize(options_.edges);
  for (std::size_t edge = 0; edge < options_.edges; ++edge) start_edge(edge);
  wait_until_ready();
}

Fleet::~Fleet() = default;

void Fleet::start_broker() {
  const auto began = std::chrono::steady_clock::now();
  launch_broker();
  broker_admin_ = broker_->output_after("admin ", kEndPatience);
  const auto took = std::chrono::steady_clock::now() - began;
  longest_start_ =
      std::max(longest_start_, std::chrono::duration_cast<std::chrono::milliseconds>(took));
}

void Fleet::launch_broker() {
  std::vector<std::string> arguments{
      "--app-socket", folder_.file("app.sock"),   "--link",  folder_.file("link"),
      "--data-dir",   folder_.file("data"),       "--admin", "127.0.0.1:0",
      "--config",     folder_.file("broker.toml")};
  arguments.insert(arguments.end(), options_.broker_arguments.begin(),
                   options_.broker_arguments.end());
  broker_ = std::make_unique<Process>(ProcessOptions{.program = program("tako-broker"),
                                                     .arguments = std::move(arguments),
                                                     .output_folder = folder_.path(),
                                                     .name = "b" + std::to_string(starts_++)});
}

void Fleet::start_edge(std::size_t edge, bool takes_over) {
  std::vector<std::string> arguments{"--listen",
                                     address_.empty() ? "127.0.0.1:0" : address_,
                                     "--link",
                                     folder_.file("link"),
                                     "--admin",
                                     "127.0.0.1:0",
                                     "--name",
                                     "e" + std::to_string(edge),
                                     "--drain-ms",
                                     "200",
                                     "--app-secret-file",
                                     folder_.file("secret"),
                                     "--upstream",
                                     app_.upstream(),
                                     "--config",
                                     folder_.file("edge.toml")};
  if (takes_over) arguments.emplace_back("--takeover");
  auto process = std::make_unique<Process>(ProcessOptions{.program = program("tako-edge"),
                                                          .arguments = std::move(arguments),
                                                          .output_folder = folder_.path(),
                                                          .name = "e" + std::to_string(starts_++)});
  const Endpoint address = process->output_line(0, kEndPatience);
  if (address_.empty()) address_ = address;
  edges_.at(edge).admin = process->output_after("admin ", kEndPatience);
  std::swap(edges_.at(edge).process, process);
  // The one before has handed everything over, and ends by itself.
  if (takes_over && process->wait_for_exit(kEndPatience) != 0) {
    throw TestFailure("an edge did not end well after its handoff:\n" + process->errors());
  }
}

void Fleet::end_well(std::unique_ptr<Process>& process, std::string_view who) {
  const int status = process->terminate(kEndPatience);
  if (status != 0) {
    throw TestFailure(std::string(who) + " ended with status " + std::to_string(status) + "\n" +
                      process->errors());
  }
  process.reset();
}

void Fleet::check_alive() {
  const auto check = [](Process& process) {
    if (!process.is_running()) {
      throw TestFailure("a process has ended by itself with status " +
                        std::to_string(process.wait_for_exit()) + "\n" + process.errors());
    }
  };
  check(*broker_);
  for (const Edge& edge : edges_) check(*edge.process);
}

void Fleet::apply(const Fault& fault) {
  check_alive();
  ++applied_.at(static_cast<std::size_t>(fault.kind));
  Edge& edge = edges_.at(fault.edge);
  switch (fault.kind) {
    case Fault::Kind::KillBroker:
      return kill_broker(fault.away);
    case Fault::Kind::KillBrokerTwice:
      broker_->kill();
      launch_broker();
      std::this_thread::sleep_for(fault.away / 4);  // Somewhere in its recovery, or just behind.
      return kill_broker(fault.away);
    case Fault::Kind::RestartBroker:
      end_well(broker_, "the broker");
      std::this_thread::sleep_for(fault.away);
      return start_broker();
    case Fault::Kind::FreezeBroker:
      return freeze(*broker_, fault.away);
    case Fault::Kind::KillEdge:
      edge.process->kill();
      std::this_thread::sleep_for(fault.away);
      return start_edge(fault.edge);
    case Fault::Kind::RestartEdge:
      end_well(edge.process, "an edge");
      std::this_thread::sleep_for(fault.away);
      return start_edge(fault.edge);
    case Fault::Kind::FreezeEdge:
      return freeze(*edge.process, fault.away);
    case Fault::Kind::HandOverEdge:
      return start_edge(fault.edge, true);
    case Fault::Kind::KillBoth:
      edge.process->kill();
      kill_broker(fault.away);
      return start_edge(fault.edge);
  }
}

void Fleet::kill_broker(std::chrono::milliseconds away) {
  broker_->kill();
  std::this_thread::sleep_for(away);
  start_broker();
}

void Fleet::freeze(Process& process, std::chrono::milliseconds time) {
  process.signal(SIGSTOP);
  std::this_thread::sleep_for(time);
  process.signal(SIGCONT);
}

void Fleet::wait_until_ready() {
  for (const Edge& edge : edges_) {
    wait_until(
        "/readyz of an edge", [&edge] { return http_get(edge.admin, "/readyz").status == 200; },
        kEndPatience);
  }
}

void Fleet::end() {
  check_alive();
  for (Edge& edge : edges_) end_well(edge.process, "an edge");
  end_well(broker_, "the broker");
}

int Fleet::broker_kills() const {
  return applied(Fault::Kind::KillBroker) + 2 * applied(Fault::Kind::KillBrokerTwice) +
         applied(Fault::Kind::KillBoth);
}

}  // namespace tako::test
