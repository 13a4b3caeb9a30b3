// The law of the fan-out holds for presence: a change costs its watchers no allocation and no copy.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/cost/cost_bench.h"

namespace tako::edge::testing {
namespace {

const Form kForms[] = {
    {"WebSocket, rich", WireForm::WsRich, "ws",
     upgrade("Sec-WebSocket-Protocol: tako.v1\r\n", "?_presence=list")},
    {"SSE", WireForm::SseChunked, "sse",
     "GET /_tako/channels/sse?_presence=list HTTP/1.1\r\nHost: x\r\n\r\n"},
};

constexpr Epoch kEpoch{1};

PresenceChanges change(std::uint64_t after, std::size_t members) {
  PresenceChanges changes{.after = {after, kEpoch}, .version = {after + 1, kEpoch}, .changes = {}};
  for (std::size_t i = 0; i < members; ++i) {
    changes.changes.push_back(
        {.action = PresenceAction::Update,
         .member = {.subject = "member " + std::to_string(i), .data = std::to_string(after)}});
  }
  return changes;
}

const PresenceEncoder& encoder_of(const Form& form) {
  return *client_presence_encoders()[static_cast<std::size_t>(form.wire)];
}

std::size_t frame_bytes(const CostBench& bench, const PresenceChanges& changes) {
  const std::string& name = bench.form().channel;
  return encoder_of(bench.form())
      .changes(changes, {.app = "default", .name = name, .key = name, .params_json = "{}"})
      .size();
}

// What a change of so many members costs a warm edge, from the broker's words to the kernel.
test::ProcessCounts cost_of(const Form& form, std::size_t clients, std::size_t members) {
  CostBench bench(form, clients);
  bench.tell(MemberList{.version = {0, kEpoch}, .members = {}}, 0);
  static_cast<void>(bench.read_all());
  test::ProcessCounts before;
  test::ProcessCounts after;
  for (std::uint64_t round = 0; round < 4; ++round) {
    PresenceChanges changes = change(round, members);
    const std::size_t bytes = frame_bytes(bench, changes);
    before = *test::process_counts();
    bench.tell(std::move(changes), bytes);
    static_cast<void>(bench.end_turns());
    after = *test::process_counts();
    static_cast<void>(bench.read_all());
  }
  return {after.allocations - before.allocations, after.sends - before.sends};
}

}  // namespace

TEST_CASE("what is allocated for a change of presence is the same for 1 watcher and for 200") {
  if (!test::process_counts()) {
    MESSAGE("not counted: malloc belongs to the sanitizer");
    return;
  }
  for (const Form& form : kForms) {
    for (const std::size_t members : {1, 50}) {
      CAPTURE(form.name);
      CAPTURE(members);
      const test::ProcessCounts one = cost_of(form, 1, members);
      const test::ProcessCounts many = cost_of(form, 200, members);
      CHECK(one.allocations >= 1);  // It is encoded once: the counting works.
      CHECK(many.allocations == one.allocations);
      CHECK(one.sends == 1);
      CHECK(many.sends == 200);
    }
  }
}

}  // namespace tako::edge::testing
