// Queues those who wait for the link, and answers them in order.
#include "edge/session/link_gate.h"

#include <algorithm>
#include <utility>

#include "edge/session/services.h"

namespace tako::edge {

std::int64_t retry_with_jitter_ms(Random& random) {
  constexpr std::int64_t kLeastMs = 1'000;
  constexpr std::uint64_t kSpreadMs = 2'000;
  return kLeastMs + static_cast<std::int64_t>(random.below(kSpreadMs + 1));
}

std::unique_ptr<LinkGate::Ticket> LinkGate::wait(Passed passed) {
  const bool is_full = waiting_.size() >= limits_.link_pending_requests_max;
  if (is_full) ++counters_.link_pending_requests_max;
  // One too many is answered at the next tick: never from within.
  const std::int64_t patience = clock_.monotonic_ms() + limits_.link_wait_ms;
  const std::int64_t restart = broker_.restart_until_ms();
  const std::int64_t until = is_full ? 0 : std::max(patience, restart);
  const std::uint64_t number = ++last_;
  waiting_.emplace(number, Waiting{until, restart > patience, std::move(passed)});
  if (is_full) refused_.push_back(number);
  return std::make_unique<Ticket>(*this, number);
}

void LinkGate::answer(std::uint64_t number, const Result<void>& result) {
  auto node = waiting_.extract(number);
  if (!node.empty()) node.mapped().passed(result);  // Its ticket may be destroyed within.
}

void LinkGate::on_link_up() {
  // Only those who wait now: the link may be lost, and waited for, from within.
  const std::uint64_t last = last_;
  while (is_open() && !waiting_.empty() && waiting_.begin()->first <= last) {
    answer(waiting_.begin()->first, {});
  }
}

void LinkGate::tick() {
  for (const std::uint64_t number : std::exchange(refused_, {})) {
    answer(number, std::unexpected(unavailable()));
  }
  const std::int64_t now = clock_.monotonic_ms();
  while (!waiting_.empty() && waiting_.begin()->second.until_ms <= now) {
    ++(waiting_.begin()->second.is_for_restart ? counters_.link_restart_wait_ms
                                               : counters_.link_wait_ms);
    answer(waiting_.begin()->first, std::unexpected(unavailable()));
  }
}

Error LinkGate::unavailable() const {
  return {ErrorCode::Unavailable, "the broker does not answer", retry_with_jitter_ms(random_)};
}

}  // namespace tako::edge
