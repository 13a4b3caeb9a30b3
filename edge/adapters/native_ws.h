// NativeWs: what both WebSocket dialects share: the auth envelope, early messages, keepalive and
// ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edge/adapters/client_publisher.h"
#include "edge/session/client.h"
#include "edge/session/lifetimes.h"
#include "edge/session/subscription.h"

namespace tako::proto {
class AwaitedRecord;
class WebSocketRecord;
}  // namespace tako::proto

namespace tako::edge {

//   open --credential at hand--> subscribing --> live
//     \--none: 5 s for tako.auth --^
class NativeWs : public ClientHandler, public SubscriptionOwner {
 public:
  void on_open(ClientConnection& connection) final;
  void on_text(std::string_view message) final;
  void on_binary(std::string_view message) final;
  void on_deadline() final;
  void on_goodbye() final { end_subscriptions(PresenceEnd::Left); }
  void on_closed() final;
  [[nodiscard]] Movability movability() const final;
  void save(proto::ClientRecord& record) const final;
  void on_restored(ClientConnection& connection, const proto::ClientRecord& record) final;

 protected:
  // `first`: the channel of the URL; null on the bare route. It waits for the envelope when the
  // credentials are none and the channel is not public.
  NativeWs(EdgeServices& services, std::unique_ptr<SubscriptionRequest> first)
      : services_(services), first_(std::move(first)) {}

  virtual void subscribe_first(SubscriptionRequest request) = 0;
  // Without a channel in the URL: open, with nothing asked for yet.
  virtual void on_open_bare() {}
  virtual void on_frame(std::string_view message) = 0;
  // After keepalive and lifetime: what else is due; next_due_ms() says when.
  virtual void check_more(std::int64_t /*now_ms*/) {}
  [[nodiscard]] virtual std::int64_t next_due_ms() const { return 0; }
  // `reason`: what the channels' members are told.
  virtual void end_subscriptions(PresenceEnd reason) = 0;
  // The handoff (native_ws_record.cc): nothing of it is under way at the app or the broker.
  [[nodiscard]] virtual bool is_settled() const = 0;
  virtual void save_channels(proto::WebSocketRecord& record) const = 0;
  virtual void restore_channels(const proto::WebSocketRecord& record) = 0;
  [[nodiscard]] virtual WireForm form() const = 0;

  // A subscription stands: its intervals hold for the connection.
  void apply_times(const Subscription& subscription);
  // Too early: the channel's permission is not here yet. Bounded; replayed by release_held().
  void hold(std::string_view message);
  void release_held();
  void arm();
  // Everything ends; nothing but on_closed follows.
  void close(ErrorCode code, std::string_view reason = {});
  // The same, and what is queued does not leave.
  void drop_and_close(ErrorCode code);
  // As one of both, because its subscription ended. Whoever lost its permission is not given either
  // what was queued under it.
  void end_with(ErrorCode code);
  // The same for what the client sent; counts the bound that it met, if it met one.
  void close_for(const Error& error);

  // The channel of the URL waits for its credential.
  [[nodiscard]] bool is_awaiting() const { return first_ != nullptr; }
  [[nodiscard]] bool is_open() const { return connection_ != nullptr; }
  [[nodiscard]] ClientConnection& connection() { return *connection_; }
  [[nodiscard]] EdgeServices& services() const { return services_; }
  [[nodiscard]] std::int64_t now_ms() const { return services_.clock.monotonic_ms(); }
  [[nodiscard]] ConnectionTimes& times() { return times_; }

 private:
  void take_envelope(std::string_view message);
  void restore_awaited(const proto::AwaitedRecord& record);
  void on_patience_over();

  EdgeServices& services_;
  ClientConnection* connection_ = nullptr;
  std::unique_ptr<SubscriptionRequest> first_;  // until it was subscribed
  std::unique_ptr<std::vector<std::string>> held_;
  ConnectionTimes times_;
};

}  // namespace tako::edge
