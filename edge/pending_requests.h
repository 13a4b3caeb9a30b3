// Requests that wait for the broker's answer: bounded in number and time, answered exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>

#include "common/limit_counters.h"
#include "common/result.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"
#include "proto/link.pb.h"

namespace tako::edge {

// A request keeps its encoded item until it was sent, and longer where sending it again after a
// broken link is safe: reads, and publishes that carry an idempotency key. Others fail with the
// link, since nobody can tell whether they were stored.
class PendingRequests {
 public:
  using Answer = std::variant<Reply<FetchPage>, Reply<PublishAck>, Reply<ApiAnswer>>;

  // Both outlive the table.
  PendingRequests(const RuntimeLimits& limits, LimitCounters& counters)
      : limits_(limits), counters_(counters) {}

  // False when link_pending_requests_max or limits::kLinkPendingBytesMax wait already; `answer`
  // has then not been taken.
  [[nodiscard]] bool add(std::uint64_t id, proto::EdgeItem item, bool may_repeat,
                         std::int64_t now_ms, Answer& answer);
  // Calls `send` with each item not sent yet, in order of their numbers.
  void send_waiting(const std::function<void(proto::EdgeItem)>& send);
  // The link broke: what may be repeated waits for the next one from now on, the rest fails.
  void on_link_lost(std::int64_t now_ms);
  // The broker said goodbye: what waits for a link does so until then, if link_wait_ms ends before.
  void wait_until(std::int64_t restart_until_ms) { restart_until_ms_ = restart_until_ms; }
  // Fails those without a link for link_wait_ms, or without an answer for the reply limit.
  void expire(std::int64_t now_ms);

  // Each takes the answer out, or does nothing when the number is unknown (it expired).
  void answer_fetch(std::uint64_t id, Result<FetchPage> page);
  void answer_publish(std::uint64_t id, Result<PublishAck> ack);
  void answer_api(std::uint64_t id, Result<ApiAnswer> answer);

  [[nodiscard]] std::size_t size() const { return requests_.size(); }

 private:
  struct Request {
    proto::EdgeItem item;
    bool may_repeat = false;
    bool is_sent = false;
    std::size_t bytes = 0;
    std::int64_t waits_since_ms = 0;
    Answer answer;
  };
  // True: its time is up, and the bound is counted.
  [[nodiscard]] bool is_over(const Request& request, std::int64_t now_ms);
  template <typename T>
  void answer_with(std::uint64_t id, Result<T> value);
  template <typename Condition>
  void fail_where(Condition condition);

  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::map<std::uint64_t, Request> requests_;  // by number: numbers rise
  std::uint64_t first_unsent_ = 0;             // all from here on wait for the link
  std::size_t bytes_ = 0;
  std::int64_t restart_until_ms_ = 0;
};

}  // namespace tako::edge
