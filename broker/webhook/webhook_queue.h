// WebhookQueue: events that one app is still to be told of, in order, bounded and durable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "broker/state/state_store.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// Rows: webhook/event/<app>/<number>, webhook/lost/<app>.
class WebhookQueue {
 public:
  // `life`: names this broker; with it and their number events are told apart, over restarts too.
  // All references outlive the queue.
  WebhookQueue(std::string app, std::string life, StateStore& state, const Clock& clock,
               const RuntimeLimits& limits, LimitCounters& counters);
  WebhookQueue(const WebhookQueue&) = delete;
  WebhookQueue& operator=(const WebhookQueue&) = delete;

  // Of an earlier broker, before the first add().
  void restore();

  // `members`: what an event has behind `id`, `type` and `at`: `,"channel":…`, or nothing. When
  // there is no room the oldest events that are not being posted go, which is told.
  void add(std::string_view type, std::string_view members);
  // Events that are too old go, which is told.
  void drop_old();

  [[nodiscard]] bool has_batch() const { return !is_out_ && (!events_.empty() || lost_ > 0); }
  // The body of a post, with the oldest events; nothing is taken off until it is settled.
  [[nodiscard]] std::string begin_batch();
  // The app has it.
  void settle_batch();
  // It does not: its events are first again.
  void return_batch();

  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t lost_total() const { return lost_total_; }

 private:
  struct Event {
    std::uint64_t number;
    std::int64_t at_ms;  // wall
    std::string json;
  };
  void keep(Event event);
  void lose(std::size_t index);
  void set_lost(std::uint64_t lost);
  [[nodiscard]] std::string row_of(std::uint64_t number) const;
  [[nodiscard]] std::string print_lost() const;

  std::string app_;
  std::string life_;
  StateStore& state_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::deque<Event> events_;  // oldest first
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  bool is_out_ = false;       // a batch is
  std::size_t in_batch_ = 0;  // of the oldest events
  std::uint64_t lost_in_batch_ = 0;
  std::uint64_t lost_ = 0;  // in front of the first event that is not in the batch
  std::uint64_t lost_total_ = 0;
};

}  // namespace tako::broker
