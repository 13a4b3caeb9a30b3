// SIGTERM: clients are told when to come back, spread over the drain time; nobody is waited for who
// has nothing more to say.
#include <doctest/doctest.h>
#include <signal.h>

#include <set>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t ms_since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
}

ClusterOptions draining_for(int drain_ms) {
  ClusterOptions options = with_definitions();
  options.drain_ms = drain_ms;
  return options;
}

}  // namespace

TEST_CASE(
    "clients are told one after the other over the drain time, each its own time to come back") {
  constexpr int kClients = 40;
  constexpr int kDrainMs = 1'500;
  Cluster tako(draining_for(kDrainMs));
  std::vector<std::unique_ptr<SseClient>> clients;
  for (int number = 0; number < kClients; ++number) {
    clients.push_back(std::make_unique<SseClient>(tako.edge(), channel_path("feed")));
    static_cast<void>(clients.back()->opening_id());
  }
  const auto begin = Clock::now();
  tako.edge_process().signal(SIGTERM);
  std::set<std::string> retries;
  std::vector<std::int64_t> told_at;
  for (auto client = clients.rbegin(); client != clients.rend(); ++client) {  // As they are told.
    const SseBlock block = (*client)->next();
    REQUIRE(block.retry.has_value());
    const int retry_ms = std::stoi(*block.retry);
    CHECK(retry_ms >= 1'000);
    CHECK(retry_ms <= 3'000);
    retries.insert(*block.retry);
    told_at.push_back(ms_since(begin));
    CHECK((*client)->ends());
  }
  CHECK(retries.size() > kClients / 2);
  CHECK(told_at.front() < kDrainMs / 3);
  CHECK(told_at.back() > kDrainMs / 2);
  clients.clear();
  CHECK(tako.edge_process().wait_for_exit() == 0);
}

TEST_CASE("a client that never answers its close does not keep the edge from ending") {
  Cluster tako(draining_for(50));
  WsClient mute(tako.edge(), channel_path("wire"));
  settle(mute);
  const auto begin = Clock::now();
  tako.edge_process().signal(SIGTERM);
  CHECK(tako.edge_process().wait_for_exit() == 0);
  CHECK(ms_since(begin) < 4'000);           // close_handshake_ms is 5 s.
  const WsEnd end = mute.wait_for_close();  // What it was told is there all the same.
  CHECK(end.code == 1012);
}

TEST_CASE("a client that has not read all yet is given the time of a close handshake") {
  ClusterOptions options = draining_for(50);
  options.edge_arguments = {"--limit", "close_handshake_ms=15000"};
  Cluster tako(std::move(options));
  WsClient slow(tako.edge(), channel_path("wire"), {.receive_buffer = 4096});
  settle(slow);
  const std::string large = json_string(std::string(60'000, 'x'));
  for (int number = 0; number < 30; ++number) tako.publish("wire", "n", large);
  wait_for_metric(tako.edge_admin(), "tako_edge_frames_sent_total", 5);
  tako.edge_process().signal(SIGTERM);
  tako.edge_process().wait_for_text("draining");
  CHECK_FALSE(eventually([&] { return !tako.edge_process().is_running(); },
                         std::chrono::milliseconds(1'500)));
  CHECK(slow.wait_for_close().code == 1012);
  CHECK(slow.tcp_ends());
  CHECK(tako.edge_process().wait_for_exit() == 0);
}

TEST_CASE("a second signal ends at once") {
  Cluster tako(draining_for(600'000));
  SseClient client(tako.edge(), channel_path("feed"));
  static_cast<void>(client.opening_id());
  WsClient other(tako.edge(), channel_path("wire"));
  settle(other);
  tako.edge_process().signal(SIGTERM);
  tako.edge_process().wait_for_text("draining");
  const auto begin = Clock::now();
  tako.edge_process().signal(SIGTERM);
  CHECK(tako.edge_process().wait_for_exit() == 0);
  CHECK(ms_since(begin) < 3'000);
}
