// The law of the fan-out: per subscriber no allocation, no copy, one system call a turn.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/cost/cost_bench.h"

namespace tako::edge::testing {
namespace {

const Form kForms[] = {
    {"WebSocket, plain", WireForm::WsPlain, "ws", upgrade("")},
    {"WebSocket, rich", WireForm::WsRich, "ws", upgrade("Sec-WebSocket-Protocol: tako.v1\r\n")},
    {"SSE", WireForm::SseChunked, "sse", "GET /_tako/channels/sse HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"SSE, HTTP/1.0", WireForm::SsePlain, "sse",
     "GET /_tako/channels/sse HTTP/1.0\r\nHost: x\r\n\r\n"},
};

// What one turn's messages cost a warm edge, from the broker's words to the kernel.
test::ProcessCounts cost_of(const Form& form, std::size_t clients, std::size_t count) {
  CostBench bench(form, clients);
  for (int round = 0; round < 3; ++round) {
    bench.deliver(bench.make(count));
    static_cast<void>(bench.end_turns());
    static_cast<void>(bench.read_all());
  }
  const Messages messages = bench.make(count);
  const test::ProcessCounts before = *test::process_counts();
  bench.deliver(messages);
  static_cast<void>(bench.end_turns());
  const test::ProcessCounts after = *test::process_counts();
  return {after.allocations - before.allocations, after.sends - before.sends};
}

}  // namespace

TEST_CASE("what is allocated for a delivery is the same for 1 subscriber and for 200") {
  if (!test::process_counts()) {
    MESSAGE("not counted: malloc belongs to the sanitizer");
    return;
  }
  for (const Form& form : kForms) {
    for (const std::size_t messages : {1, 8, 100}) {  // 8 and 100 do not fit an outbox's inside.
      CAPTURE(form.name);
      CAPTURE(messages);
      const test::ProcessCounts one = cost_of(form, 1, messages);
      const test::ProcessCounts many = cost_of(form, 200, messages);
      CHECK(one.allocations >= messages);  // Each is encoded once: the counting works.
      CHECK(many.allocations == one.allocations);
      CHECK(one.sends == 1);
      CHECK(many.sends == 200);
    }
  }
}

TEST_CASE("the outboxes of all subscribers point to one buffer for each message and form") {
  constexpr std::size_t kClients = 20;
  for (const Form& form : kForms) {
    CAPTURE(form.name);
    CostBench bench(form, kClients);
    const Messages messages = bench.make(8);
    bench.deliver(messages);
    std::string all;
    for (const MessagePtr& message : messages) {
      CHECK(bench.frame(*message).use_count() == 1 + kClients);  // The message's own, and theirs.
      all += bench.frame(*message).view();
    }
    static_cast<void>(bench.end_turns());
    for (const MessagePtr& message : messages) CHECK(bench.frame(*message).use_count() == 1);
    for (const std::string& received : bench.read_all()) CHECK(received == all);
  }
}

TEST_CASE("messages of one turn cost each subscriber one gathered write") {
  constexpr std::size_t kClients = 20;
  for (const Form& form : kForms) {
    CAPTURE(form.name);
    CostBench bench(form, kClients);
    const ServerSideCounters before = bench.counters;
    bench.deliver(bench.make(8));
    CHECK(bench.counters.writes == before.writes);  // Not before the turn's end.
    CHECK(bench.end_turns() == kClients);
    CHECK(bench.counters.writes - before.writes == kClients);
    CHECK(bench.counters.frames_sent - before.frames_sent == 8 * kClients);
  }
}

TEST_CASE("more frames than one write takes go in the following turns, one write in each") {
  constexpr std::size_t kClients = 3;
  CostBench bench(kForms[0], kClients);
  const std::uint64_t before = bench.counters.writes;
  bench.deliver(bench.make(limits::kWritePiecesMax + 100));
  CHECK(bench.end_turns() == kClients);
  CHECK(bench.counters.writes - before == 2 * kClients);
  CHECK(bench.limit_counters.write_pieces_max == kClients);
}

}  // namespace tako::edge::testing
