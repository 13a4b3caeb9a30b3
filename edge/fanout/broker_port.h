// What the edge asks of the broker and hears from it; broker_link implements it over the link.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/definition.h"
#include "common/position.h"
#include "common/result.h"
#include "edge/fanout/message.h"
#include "edge/fanout/presence.h"
#include "edge/fanout/revocation.h"

namespace tako::edge {

// Chosen by the edge, unique among its live subscriptions at the broker.
using ChannelNumber = std::uint32_t;

struct Subscribed {
  ReplayWindow window;
  std::uint64_t starts_after = 0;     // messages behind this offset will come by themselves
  std::optional<GapReason> gap = {};  // the `from` cursor can't go on; starts at the head
  std::optional<Error> error = {};    // the broker refused (unknown app, a limit)
};

// A run of messages behind what came before; ephemeral ones (offset 0) ride between.
struct Delivery {
  std::vector<MessagePtr> messages = {};
  std::optional<ReplayWindow> window = {};  // when the epoch or the window changed
  std::optional<GapReason> gap = {};        // what was before these can't be given any more
};

struct FetchRequest {
  ChannelIdentity channel;
  std::optional<Cursor> after = {};   // exclusive; ascending from here
  std::optional<Cursor> before = {};  // exclusive; the newest ones before it. Neither: the newest
  bool with_before = false;           // `before` is inclusive
  std::int64_t from_ms = 0;           // 0: open
  std::int64_t to_ms = 0;             // 0: open
  std::uint32_t limit = 100;
  std::uint32_t bytes_max = 0;  // 0: the broker's limit
};
struct FetchPage {
  std::vector<MessagePtr> messages = {};  // ascending
  ReplayWindow window;
  std::optional<GapReason> gap = {};  // `after` can't be continued; messages is empty
  bool more_after = false;
  bool more_before = false;
};

struct PublishRequest {
  ChannelIdentity channel;
  std::string type = {};
  std::string data = {};  // as Message::data
  Encoding encoding = Encoding::Json;
  bool ephemeral = false;
  std::string subject = {};
  std::string connection = {};
  std::string idempotency_key = {};  // empty: none
  std::string sent = {};             // what the key stands for, if not `data`: that was made of it
};
struct PublishAck {
  Position position;  // offset 0: ephemeral
  bool repeated_key = false;
};

struct ApiRequest {
  std::string app = {};
  std::string method = {};
  std::string target = {};  // /v1/…
  std::string idempotency_key = {};
  std::string body = {};
};
struct ApiAnswer {
  std::uint32_t status = 0;
  std::string body = {};
  std::int64_t retry_after_ms = 0;
};

template <typename T>
using Reply = std::function<void(Result<T>)>;

// All calls return at once; replies come later on the loop, exactly once each, also when the link
// breaks (Unavailable after link_wait_ms without one, or at restart_until_ms). Too many pending:
// LimitReached.
class BrokerPort {
 public:
  virtual ~BrokerPort() = default;
  [[nodiscard]] virtual bool is_linked() const = 0;
  // Monotonic ms since when there is no link; 0 while linked.
  [[nodiscard]] virtual std::int64_t unlinked_since_ms() const = 0;
  // Monotonic ms until which a broker that said goodbye is expected back: what needs a link waits
  // so long for it. In the past (0): no such broker.
  [[nodiscard]] virtual std::int64_t restart_until_ms() const { return 0; }

  // Subscriptions are remembered by the caller, not by the port: after on_link_up the caller
  // subscribes again at its cursors. Without a link these three do nothing.
  virtual void subscribe(ChannelNumber number, const ChannelIdentity& channel,
                         const std::optional<Cursor>& from) = 0;
  virtual void unsubscribe(ChannelNumber number) = 0;
  virtual void occupancy(ChannelNumber number, std::uint32_t subscribers) = 0;

  // Presence. Numbers in a space of their own. As above the caller remembers, and says everything
  // again after on_link_up; while takes_presence() is false these four do nothing.
  [[nodiscard]] virtual bool takes_presence() const = 0;
  // The broker, or the last one that there was, is no older one without presence.
  [[nodiscard]] virtual bool has_presence() const = 0;
  // `has`: goes on from this list; nullopt: wants it whole, if it wants one.
  virtual void presence_open(ChannelNumber number, const ChannelIdentity& channel,
                             const PresenceReport& report,
                             const std::optional<PresenceVersion>& has) = 0;
  virtual void presence_close(ChannelNumber number) = 0;
  virtual void presence_session(ChannelNumber number, std::uint64_t session,
                                const PresenceListing& listing) = 0;
  virtual void presence_gone(ChannelNumber number, std::uint64_t session, PresenceEnd reason) = 0;

  // How a post of on_webhook went; `status`: HTTP, 0: no answer. Without a link it does nothing.
  virtual void webhook_done(std::uint64_t lease, int status, std::string_view error) = 0;

  virtual void fetch(FetchRequest request, Reply<FetchPage> reply) = 0;
  virtual void publish(PublishRequest request, Reply<PublishAck> reply) = 0;
  virtual void api_call(ApiRequest request, Reply<ApiAnswer> reply) = 0;
};

// To be posted to an app, and answered with webhook_done().
struct WebhookBatch {
  std::uint64_t lease = 0;
  std::string app = {};
  std::string body = {};  // JSON
};

// Implemented by the hubs (channels, presence) and by the directory of definitions.
class BrokerEvents {
 public:
  virtual ~BrokerEvents() = default;
  // The link stands, the control stream up to its head has been applied: subscribe again now.
  virtual void on_link_up() = 0;
  virtual void on_link_down() = 0;
  virtual void on_subscribed(ChannelNumber number, const Subscribed& subscribed) = 0;
  virtual void on_delivery(ChannelNumber number, Delivery delivery) = 0;
  virtual void on_presence(ChannelNumber number, PresenceNews news) = 0;
  virtual void on_definitions(std::string_view app,
                              std::shared_ptr<const DefinitionSet> definitions) = 0;
  // How many subscriptions it met: behind this call nothing more is delivered to them.
  virtual std::uint32_t on_revocation(const Revocation& revocation) = 0;
  virtual void on_webhook(WebhookBatch batch) = 0;
};

}  // namespace tako::edge
