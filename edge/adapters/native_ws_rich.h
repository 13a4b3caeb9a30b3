// The rich dialect (`tako.v1`): many channels over one connection, with control frames.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edge/adapters/native_ws.h"
#include "edge/adapters/rich_channel.h"

namespace tako::edge {

// The upgrade of a connection that another process has served.
[[nodiscard]] ClientRequest restored_upgrade(const proto::ClientRecord& record);

class NativeWsRich final : public NativeWs, public ClientPublisher::Observer {
 public:
  // `upgrade`: what later subscriptions are judged by, as keep_credentials() left it.
  NativeWsRich(EdgeServices& services, PublisherBook& book,
               std::unique_ptr<SubscriptionRequest> first, ClientRequest upgrade);

  void on_room() override;
  void on_drain(std::int64_t retry_ms) override;

 private:
  // NativeWs
  void subscribe_first(SubscriptionRequest request) override;
  void on_open_bare() override { await_subscription(); }
  void on_frame(std::string_view message) override;
  void check_more(std::int64_t now_ms) override;
  [[nodiscard]] std::int64_t next_due_ms() const override;
  void end_subscriptions(PresenceEnd reason) override;
  // native_ws_rich_record.cc
  [[nodiscard]] bool is_settled() const override;
  void save_channels(proto::WebSocketRecord& record) const override;
  void restore_channels(const proto::WebSocketRecord& record) override;
  [[nodiscard]] WireForm form() const override { return WireForm::WsRich; }

  // SubscriptionOwner
  void on_subscribed(Subscription& subscription, const Start& start) override;
  void on_gap(Subscription& subscription, const Gap& gap) override;
  void on_ended(Subscription& subscription, const Error& error) override;
  void on_granted_again(Subscription& subscription) override;
  void on_credential_wanted(Subscription& subscription, std::int64_t before_ms) override;
  [[nodiscard]] bool is_connection(std::string_view id) const override { return id == id_; }
  void on_own_passed(Subscription& subscription, std::uint64_t offset) override;
  void on_presence_refused(Subscription& subscription, const Error& error) override;

  void on_published(const ClientPublisher::Tag& tag, const Result<Published>& published) override;

  void on_subscribe(const ClientFrame& frame);
  void on_unsubscribe(const ClientFrame& frame);
  void on_auth(const ClientFrame& frame);
  // native_ws_rich_presence.cc
  void on_presence(const ClientFrame& frame, std::string_view text);
  [[nodiscard]] static std::optional<PresenceWish> presence_told(const RichChannel& channel);
  void on_client_message(const ClientFrame& frame, std::string_view text);
  // One per connection, once it sends something.
  [[nodiscard]] ClientPublisher& publisher();
  // Tells what is wrong with a frame; a client that goes on above its rates is closed.
  void refuse_frame(const Error& error, std::string_view ref, std::string_view key);
  [[nodiscard]] Result<SubscriptionRequest> request_for(SubscribeCommand command) const;

  RichChannel& add(std::string ref);
  // `reason`: what the channel's members are told, if it has not ended yet.
  void remove(RichChannel& channel, PresenceEnd reason = PresenceEnd::Lost);
  [[nodiscard]] RichChannel* find(std::string_view key) const;
  [[nodiscard]] RichChannel& channel_of(const Subscription& subscription) const;
  // The subscription that a client message means; null: there is none.
  [[nodiscard]] RichChannel* target_of(std::string_view key) const;
  void release_acks(RichChannel& channel, std::uint64_t up_to);
  void send_error(const Error& error, std::string_view ref, std::string_view key = {});
  void await_subscription();

  PublisherBook& book_;
  ClientRequest upgrade_;
  std::string id_;  // names this connection, for echo:false
  std::unique_ptr<ClientPublisher> publisher_;
  std::vector<std::unique_ptr<RichChannel>> channels_;
  std::vector<std::unique_ptr<RichChannel>> ended_;  // until no callback of theirs is on the stack
};

}  // namespace tako::edge
