// Revocations: takes permissions back at this edge, as the broker says.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "edge/fanout/hub.h"
#include "edge/session/authorizer.h"
#include "edge/session/revocation_book.h"
#include "edge/session/subject_index.h"

namespace tako::edge {

// Implemented by what was granted something: a live subscription. In the index while it has a
// subject.
class Revocable : public SubjectIndex::Member {
 public:
  // True when it is met: it has ended, or the app is asked again. Within the call it, and others,
  // may end, but are not destroyed.
  [[nodiscard]] virtual bool take_back(const Revocation& revocation) = 0;

 protected:
  ~Revocable() = default;
};

class Revocations {
 public:
  // All outlive it.
  Revocations(ChannelHub& hub, Authorizer& authorizer, const Clock& clock,
              const RuntimeLimits& limits, LimitCounters& counters)
      : hub_(hub), authorizer_(authorizer), book_(clock, limits, counters) {}

  // Called with the app before anything of it is taken back: for clients that have no subscription
  // any more, and still are sent what waits for them.
  void set_on_taking_back(std::function<void(std::string_view app)> on_taking_back) {
    on_taking_back_ = std::move(on_taking_back);
  }

  // When it returns, nothing that was granted before is delivered any more. How many subscriptions
  // it met.
  std::uint32_t apply(const Revocation& revocation);
  void tick() { book_.tick(); }

  [[nodiscard]] const RevocationBook& book() const { return book_; }
  [[nodiscard]] SubjectIndex& subjects() { return subjects_; }

 private:
  ChannelHub& hub_;
  Authorizer& authorizer_;
  RevocationBook book_;
  SubjectIndex subjects_;
  std::function<void(std::string_view)> on_taking_back_;
};

}  // namespace tako::edge
