// RichChannel: one of the channels of a rich connection, and the acks that wait for its cursor.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/session/subscription.h"

namespace tako::edge {

struct RichChannel {
  RichChannel(EdgeServices& services, SubscriptionOwner& owner) : subscription(services, owner) {}

  // An accepted message of echo:false: its ack takes the place of its delivery.
  struct HeldAck {
    std::string ref;
    Position id;
  };

  std::string ref;        // of the tako.subscribe that asked for it
  bool is_first = false;  // the URL's channel: refused, it takes the connection along
  bool has_started = false;
  bool asks_presence = false;  // tako.ready says what of it there is to be told
  std::vector<HeldAck> held_acks;
  Subscription subscription;
};

// What a tako.subscribe asks for: {channel, params?, token?, lastMessageId?, rewind?, presence…?}.
struct SubscribeCommand {
  std::string channel;
  std::string params = "{}";  // a JSON object
  std::optional<HeaderCredential> credential;
  std::optional<Cursor> cursor;
  Rewind rewind = {};
  PresenceRequest presence;
};
// `data`: the frame's member, a JSON object. Errors: MessageMalformed, CursorMalformed.
[[nodiscard]] Result<SubscribeCommand> parse_subscribe(std::string_view data);

// What later subscriptions of a connection need of its upgrade: the headers that may hold
// credentials, and those that tell the page. The rest is let go.
[[nodiscard]] ClientRequest keep_credentials(const ClientRequest& request,
                                             const DefinitionSet& definitions);

}  // namespace tako::edge
