// The plain dialect: one channel, frames are messages only, whatever is wrong is a close code.
#pragma once

#include <memory>

#include "edge/adapters/native_ws.h"

namespace tako::edge {

class NativeWsPlain final : public NativeWs, public ClientPublisher::Observer {
 public:
  NativeWsPlain(EdgeServices& services, PublisherBook& book,
                std::unique_ptr<SubscriptionRequest> first)
      : NativeWs(services, std::move(first)), book_(book), subscription_(services, *this) {}

  void on_room() override { subscription_.pump(); }
  void on_drain(std::int64_t retry_ms) override;

 private:
  void subscribe_first(SubscriptionRequest request) override;
  void check_more(std::int64_t now_ms) override { subscription_.check(now_ms); }
  [[nodiscard]] std::int64_t next_due_ms() const override { return subscription_.due_ms(); }
  void on_frame(std::string_view message) override;
  void end_subscriptions(PresenceEnd reason) override { subscription_.end(reason); }
  [[nodiscard]] bool is_settled() const override;
  void save_channels(proto::WebSocketRecord& record) const override;
  void restore_channels(const proto::WebSocketRecord& record) override;
  [[nodiscard]] WireForm form() const override { return WireForm::WsPlain; }

  void on_subscribed(Subscription& subscription, const Start& start) override;
  void on_gap(Subscription& subscription, const Gap& gap) override;
  void on_ended(Subscription& subscription, const Error& error) override;
  void on_granted_again(Subscription& subscription) override;
  void on_published(const ClientPublisher::Tag& tag, const Result<Published>& published) override;

  void refuse_message(const Error& error);

  PublisherBook& book_;
  std::unique_ptr<ClientPublisher> publisher_;  // once something is published
  Subscription subscription_;
};

}  // namespace tako::edge
