// Every request is answered once: by the broker, by time, or by the loss of the link.
#include "edge/pending_requests.h"

#include <doctest/doctest.h>

#include <vector>

#include "common/limits.h"

using namespace tako;
using namespace tako::edge;

namespace {

const RuntimeLimits kLimits;

struct PendingBench {
  LimitCounters counters;
  PendingRequests pending{kLimits, counters};
};

struct Outcome {
  int answers = 0;
  std::optional<Error> error;
};

PendingRequests::Answer publish_into(Outcome& outcome) {
  return Reply<PublishAck>([&outcome](Result<PublishAck> ack) {
    ++outcome.answers;
    if (!ack) outcome.error = ack.error();
  });
}

proto::EdgeItem publish_item(std::uint64_t id, std::size_t bytes = 0) {
  proto::EdgeItem item;
  item.mutable_publish()->set_request(id);
  item.mutable_publish()->set_data(std::string(bytes, 'x'));
  return item;
}

std::vector<std::uint64_t> send_all(PendingRequests& pending) {
  std::vector<std::uint64_t> sent;
  pending.send_waiting(
      [&](const proto::EdgeItem& item) { sent.push_back(item.publish().request()); });
  return sent;
}

}  // namespace

TEST_CASE("what is safe to repeat goes out again after a lost link, the rest fails at once") {
  PendingBench bench;
  PendingRequests& pending = bench.pending;
  Outcome keyed;
  Outcome plain;
  auto keyed_answer = publish_into(keyed);
  auto plain_answer = publish_into(plain);
  REQUIRE(pending.add(1, publish_item(1), true, 0, keyed_answer));
  REQUIRE(pending.add(2, publish_item(2), false, 0, plain_answer));
  CHECK(send_all(pending) == std::vector<std::uint64_t>{1, 2});
  CHECK(send_all(pending).empty());

  pending.on_link_lost(10);
  CHECK(plain.answers == 1);
  CHECK(plain.error->code == ErrorCode::Unavailable);
  CHECK(keyed.answers == 0);
  CHECK(send_all(pending) == std::vector<std::uint64_t>{1});
  pending.answer_publish(1, PublishAck{});
  CHECK(keyed.answers == 1);
  CHECK_FALSE(keyed.error.has_value());
  CHECK(pending.size() == 0);
}

TEST_CASE("a request without a link waits its time, then fails and says when to come back") {
  PendingBench bench;
  PendingRequests& pending = bench.pending;
  Outcome outcome;
  auto answer = publish_into(outcome);
  REQUIRE(pending.add(1, publish_item(1), true, 1'000, answer));
  pending.expire(1'000 + limits::kLinkWaitMs - 1);
  CHECK(outcome.answers == 0);
  pending.expire(1'000 + limits::kLinkWaitMs);
  CHECK(outcome.answers == 1);
  CHECK(outcome.error->retry_after_ms > 0);
  pending.answer_publish(1, PublishAck{});  // Too late: nobody is there any more.
  CHECK(outcome.answers == 1);
}

TEST_CASE("a request that waits for a broker that said goodbye waits until it should be back") {
  PendingBench bench;
  PendingRequests& pending = bench.pending;
  constexpr std::int64_t kBack = 1'000 + limits::kLinkRestartWaitMs;
  pending.wait_until(kBack);
  Outcome early;
  Outcome late;
  auto early_answer = publish_into(early);
  auto late_answer = publish_into(late);
  REQUIRE(pending.add(1, publish_item(1), false, 1'000, early_answer));
  REQUIRE(pending.add(2, publish_item(2), false, kBack - 1, late_answer));
  pending.expire(kBack - 1);
  CHECK(early.answers == 0);
  pending.expire(kBack);
  CHECK(early.answers == 1);
  CHECK(bench.counters.link_restart_wait_ms == 1);
  CHECK(late.answers == 0);  // It has its own time without a link, as ever.
  pending.expire(kBack - 1 + limits::kLinkWaitMs);
  CHECK(late.answers == 1);
  CHECK(bench.counters.link_wait_ms == 1);
}

TEST_CASE("requests are bounded in number and in bytes") {
  Outcome outcome;
  PendingBench number_bench;
  PendingRequests& by_number = number_bench.pending;
  for (std::uint64_t id = 1; id <= limits::kLinkPendingRequestsMax; ++id) {
    auto answer = publish_into(outcome);
    REQUIRE(by_number.add(id, publish_item(id), true, 0, answer));
  }
  auto one_more = publish_into(outcome);
  CHECK_FALSE(by_number.add(999'999, publish_item(1), true, 0, one_more));

  CHECK(number_bench.counters.link_pending_requests_max == 1);
  PendingBench bytes_bench;
  PendingRequests& by_bytes = bytes_bench.pending;
  auto big = publish_into(outcome);
  REQUIRE(by_bytes.add(1, publish_item(1, limits::kLinkPendingBytesMax - 100), true, 0, big));
  auto too_much = publish_into(outcome);
  CHECK_FALSE(by_bytes.add(2, publish_item(2, 200), true, 0, too_much));
  CHECK(bytes_bench.counters.link_pending_bytes_max == 1);
  by_bytes.answer_publish(1, PublishAck{});
  CHECK(by_bytes.add(3, publish_item(3, 200), true, 0, too_much));
}

TEST_CASE("an answer may add the next request") {
  PendingBench bench;
  PendingRequests& pending = bench.pending;
  Outcome second;
  PendingRequests::Answer first = Reply<PublishAck>([&](const Result<PublishAck>&) {
    auto answer = publish_into(second);
    REQUIRE(pending.add(2, publish_item(2), false, 0, answer));
  });
  REQUIRE(pending.add(1, publish_item(1), false, 0, first));
  send_all(pending);
  pending.on_link_lost(0);
  CHECK(pending.size() == 1);
  CHECK(send_all(pending) == std::vector<std::uint64_t>{2});
}
