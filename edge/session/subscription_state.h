// The states of one subscription, as a pure function, so that a test walks every pair.
#pragma once

#include <cstdint>
#include <optional>

namespace tako::edge {

//   New --Asked--> Authorizing --Granted--> Joining --Started--> Live --Asked--> Reauthorizing
//    |                ^                     |  ^                  ^                   |
//    |                +--------Asked--------+  |                  +--Granted, Kept----+
//    +------------------Granted----------------+
//   and from everywhere --Ended--> Ended
enum class SubscriptionState : std::uint8_t {
  New,
  Authorizing,  // the app is asked
  Joining,      // the fan-out looks for where it starts
  Live,
  Reauthorizing,  // live, while the app is asked again
  Ended
};
// Kept: no answer, or one that changes nothing.
enum class SubscriptionEvent : std::uint8_t { Asked, Granted, Kept, Started, Ended };

// nullopt is a bug of ours (TAKO_CHECK): no peer can cause it.
[[nodiscard]] constexpr std::optional<SubscriptionState> next_state(SubscriptionState state,
                                                                    SubscriptionEvent event) {
  using enum SubscriptionState;
  if (event == SubscriptionEvent::Ended) return Ended;
  switch (state) {  // No default: the compiler names the state that a change forgot.
    case New:
      if (event == SubscriptionEvent::Asked) return Authorizing;
      if (event == SubscriptionEvent::Granted) return Joining;  // a public channel
      break;
    case Authorizing:
      if (event == SubscriptionEvent::Granted) return Joining;
      break;
    case Joining:
      if (event == SubscriptionEvent::Started) return Live;
      if (event == SubscriptionEvent::Asked) return Authorizing;  // taken back meanwhile
      break;
    case Live:
      if (event == SubscriptionEvent::Asked) return Reauthorizing;
      break;
    case Reauthorizing:
      if (event == SubscriptionEvent::Granted || event == SubscriptionEvent::Kept) return Live;
      if (event == SubscriptionEvent::Asked) return Reauthorizing;  // definitions changed again
      break;
    case Ended:
      break;
  }
  return std::nullopt;
}

}  // namespace tako::edge
