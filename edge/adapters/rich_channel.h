// RichChannel: one of the channels of a rich connection, and the acks that wait for its cursor.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/session/subscription.h"

namespace tako::edge {

struct RichChannel {
  RichChannel(EdgeServices& services, SubscriptionOwner& owner) : subscription(services, owner) {}

  // A credential is asked for 30 s before the permission ends, and not in its first half: an app
  // that permits for less would be asked without a pause.
  void expire_at(std::int64_t end_ms, std::int64_t now_ms) {
    constexpr std::int64_t kNoticeMs = 30'000;
    expires_ms = end_ms;
    reauth_ms = end_ms - std::min(kNoticeMs, (end_ms - now_ms) / 2);
  }
  // The next thing to do about it; 0: nothing.
  [[nodiscard]] std::int64_t due_ms() const {
    return expires_ms == 0 || has_reauth_notice ? expires_ms : reauth_ms;
  }

  // An accepted message of echo:false: its ack takes the place of its delivery.
  struct HeldAck {
    std::string ref;
    Position id;
  };

  std::string ref;              // of the tako.subscribe that asked for it
  std::int64_t expires_ms = 0;  // monotonic; 0: never
  std::int64_t reauth_ms = 0;   // when to ask for a new credential
  bool is_first = false;        // the URL's channel: refused, it takes the connection along
  bool has_started = false;
  bool has_reauth_notice = false;
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
