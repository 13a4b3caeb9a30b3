// What a run of publishers and subscribers has seen: the only thing that the checker looks at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tako::test {

// As on the wire, `<offset>-<epoch>`, with the epoch's 8 characters packed into a number.
struct SeenPosition {
  std::uint64_t offset = 0;
  std::uint64_t epoch = 0;
  friend bool operator==(const SeenPosition&, const SeenPosition&) = default;
};
[[nodiscard]] SeenPosition parse_position(std::string_view id);
[[nodiscard]] std::string print_position(const SeenPosition& position);

// One thing that happened on one subscription, in the order in which its client saw it.
struct SeenEvent {
  enum class Kind : std::uint8_t {
    Fresh,  // subscribed without a cursor; `position`: where the server says it starts, if it does
    Resumed,  // subscribed with a cursor; `position`: where the server says it goes on
    Message,  // `position`, `number` and `payload_channel` are the message's
    Gap,      // a told gap; goes on behind `position`, or (not has_position) ends here
    Opened,   // a new connection: the app has allowed it anew
    // The app's disconnect of this connection is acknowledged, and all that had come by then is
    // read: no message from `number` on may come over it.
    Revoked,
  };
  Kind kind = Kind::Fresh;
  bool has_position = false;
  std::uint16_t payload_channel = 0;  // the channel that the publisher meant
  std::uint32_t number = 0;           // names the published message, over all channels
  SeenPosition position;
};

struct SubscriptionHistory {
  std::uint16_t channel = 0;
  bool is_authorized = true;  // false: must never see anything
  std::string name;           // for reports: transport and number
  std::vector<SeenEvent> events;
};

struct PublishedMessage {
  std::uint32_t number = 0;
  std::uint16_t channel = 0;
  bool is_acknowledged = false;
  SeenPosition position;  // what the publisher was told
};

struct History {
  std::vector<SubscriptionHistory> subscriptions;
  std::vector<PublishedMessage> published;
  // Where each channel ended: every authorized subscription must have come this far.
  std::vector<SeenPosition> heads;
  // Every publisher went on until it was told: a message that none of them knows is none of theirs.
  bool knows_all_published = false;
  // The log outlives the broker: numbering goes on over every epoch, and nothing is stored anew.
  bool is_durable = false;
};

}  // namespace tako::test
