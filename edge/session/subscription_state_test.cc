// The states of a subscription: every pair of state and event, against the drawing.
#include "edge/session/subscription_state.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <utility>

namespace tako::edge {
namespace {

using enum SubscriptionState;
using Event = SubscriptionEvent;

TEST_CASE("each pair of state and event does what the drawing says, and nothing else") {
  const std::map<std::pair<SubscriptionState, Event>, SubscriptionState> drawing = {
      {{New, Event::Asked}, Authorizing},
      {{New, Event::Granted}, Joining},
      {{Authorizing, Event::Granted}, Joining},
      {{Joining, Event::Started}, Live},
      {{Joining, Event::Asked}, Authorizing},
      {{Live, Event::Asked}, Reauthorizing},
      {{Reauthorizing, Event::Granted}, Live},
      {{Reauthorizing, Event::Kept}, Live},
      {{Reauthorizing, Event::Asked}, Reauthorizing},
  };
  for (const SubscriptionState state : {New, Authorizing, Joining, Live, Reauthorizing, Ended}) {
    for (const Event event : {Event::Asked, Event::Granted, Event::Kept, Event::Started}) {
      CAPTURE(static_cast<int>(state));
      CAPTURE(static_cast<int>(event));
      const auto drawn = drawing.find({state, event});
      const auto next = next_state(state, event);
      CHECK(next.has_value() == (drawn != drawing.end()));
      if (next && drawn != drawing.end()) CHECK(*next == drawn->second);
    }
    CHECK(next_state(state, Event::Ended) == Ended);
  }
}

}  // namespace
}  // namespace tako::edge
