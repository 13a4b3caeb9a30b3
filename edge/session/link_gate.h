// LinkGate: requests pass at once while the link stands, otherwise wait a bounded time for it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/result.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"

namespace tako::edge {

class LinkGate {
 public:
  using Passed = std::move_only_function<void(Result<void>)>;
  // Gives the place in the queue back when destroyed: `passed` is then not called any more.
  class Ticket {
   public:
    Ticket(LinkGate& gate, std::uint64_t number) : gate_(gate), number_(number) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { gate_.waiting_.erase(number_); }

   private:
    LinkGate& gate_;
    std::uint64_t number_;
  };

  LinkGate(const BrokerPort& broker, const Clock& clock, Random& random,
           const RuntimeLimits& limits, LimitCounters& counters)
      : broker_(broker), clock_(clock), random_(random), limits_(limits), counters_(counters) {}

  [[nodiscard]] bool is_open() const { return broker_.is_linked(); }
  // Calls `passed` once, later: with success when the link stands, with Unavailable after
  // link_wait_ms (longer for a broker that said goodbye) or when link_pending_requests_max wait
  // already. Only while !is_open().
  [[nodiscard]] std::unique_ptr<Ticket> wait(Passed passed);

  // After the hub heard of the link.
  void on_link_up();
  void tick();

  // Unavailable, with a time to come back that spreads the crowd.
  [[nodiscard]] Error unavailable() const;

 private:
  struct Waiting {
    std::int64_t until_ms;
    bool is_for_restart;  // waits for a broker that said goodbye, so longer than link_wait_ms
    Passed passed;
  };
  void answer(std::uint64_t number, const Result<void>& result);

  const BrokerPort& broker_;
  const Clock& clock_;
  Random& random_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, Waiting> waiting_;  // in order of arrival, so also of their time
  std::vector<std::uint64_t> refused_;        // came when it was full
};

}  // namespace tako::edge
