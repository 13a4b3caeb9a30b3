// What happens to the channels of a rich connection; its commands are in
// native_ws_rich_commands.cc.
#include "edge/adapters/native_ws_rich.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "edge/adapters/rich_frames.h"

namespace tako::edge {
namespace {

std::string random_id(Random& random) {
  return to_string(make_epoch(random.next())) + to_string(make_epoch(random.next()));
}

}  // namespace

NativeWsRich::NativeWsRich(EdgeServices& services, PublisherBook& book,
                           std::unique_ptr<SubscriptionRequest> first, ClientRequest upgrade)
    : NativeWs(services, std::move(first)),
      book_(book),
      upgrade_(std::move(upgrade)),
      id_(random_id(services.random)) {}

RichChannel& NativeWsRich::add(std::string ref) {
  times().set_patience(0);
  channels_.push_back(std::make_unique<RichChannel>(services(), *this));
  channels_.back()->ref = std::move(ref);
  return *channels_.back();
}

void NativeWsRich::remove(RichChannel& channel, PresenceEnd reason) {
  const auto found = std::ranges::find(channels_, &channel, &std::unique_ptr<RichChannel>::get);
  TAKO_CHECK(found != channels_.end());
  channel.subscription.end(reason);
  ended_.push_back(std::move(*found));
  channels_.erase(found);
  if (channels_.empty()) await_subscription();
}

void NativeWsRich::await_subscription() {
  times().set_patience(now_ms() + services().limits.empty_connection_ms);
  arm();
}

RichChannel* NativeWsRich::find(std::string_view key) const {
  const auto found = std::ranges::find_if(
      channels_, [key](const auto& channel) { return channel->subscription.key() == key; });
  return found == channels_.end() ? nullptr : found->get();
}

RichChannel& NativeWsRich::channel_of(const Subscription& subscription) const {
  const auto found = std::ranges::find_if(
      channels_, [&](const auto& channel) { return &channel->subscription == &subscription; });
  TAKO_CHECK(found != channels_.end());
  return **found;
}

void NativeWsRich::subscribe_first(SubscriptionRequest request) {
  RichChannel& channel = add({});
  channel.is_first = true;
  channel.asks_presence = request.presence.wish != PresenceWish::Nothing;
  channel.subscription.open(std::move(request));
}

void NativeWsRich::on_subscribed(Subscription& subscription, const Start& start) {
  RichChannel& channel = channel_of(subscription);
  channel.has_started = true;
  connection().send_control(rich::ready(
      {.start = start, .subject = subscription.grant().subject, .presence = presence_told(channel)},
      channel.ref, subscription.key()));
  if (start.gap) connection().send(rich::gap(*start.gap, subscription.key()));
  apply_times(subscription);
  arm();
  subscription.attach(connection());
  if (channel.is_first) release_held();
}

void NativeWsRich::on_gap(Subscription& subscription, const Gap& gap) {
  connection().send(rich::gap(gap, subscription.key()));
  release_acks(channel_of(subscription), gap.to.offset);
}

void NativeWsRich::on_ended(Subscription& subscription, const Error& error) {
  RichChannel& channel = channel_of(subscription);
  const bool was_asked_for = !channel.is_first && !channel.has_started;
  if (!was_asked_for && channels_.size() == 1) {
    release_acks(channel, UINT64_MAX);
    return end_with(error.code);
  }
  // What is queued of the other channels can't be told from what may not leave any more.
  if (error.code == ErrorCode::Revoked && is_open() && !connection().send_all()) {
    return drop_and_close(ErrorCode::Restarting);
  }
  release_acks(channel, UINT64_MAX);
  send_error(error, channel.has_started ? std::string_view() : channel.ref, subscription.key());
  if (is_open()) remove(channel);
}

void NativeWsRich::on_granted_again(Subscription& /*subscription*/) { arm(); }

void NativeWsRich::on_credential_wanted(Subscription& subscription, std::int64_t before_ms) {
  connection().send_control(rich::reauth(before_ms, subscription.key()));
}

void NativeWsRich::check_more(std::int64_t now_ms) {
  ended_.clear();
  for (std::size_t i = channels_.size(); i-- > 0 && is_open();) {
    if (i < channels_.size()) channels_[i]->subscription.check(now_ms);
  }
}

std::int64_t NativeWsRich::next_due_ms() const {
  std::int64_t next = 0;
  for (const auto& channel : channels_) {
    const std::int64_t due = channel->subscription.due_ms();
    if (due != 0) next = next == 0 ? due : std::min(next, due);
  }
  return next;
}

void NativeWsRich::on_room() {
  for (std::size_t i = channels_.size(); i-- > 0;) {
    if (i < channels_.size()) channels_[i]->subscription.pump();
  }
}

void NativeWsRich::on_drain(std::int64_t retry_ms) {
  ++services().counters.drained;
  connection().send_control(rich::drain(retry_ms));
  close(ErrorCode::Restarting);
}

void NativeWsRich::end_subscriptions(PresenceEnd reason) {
  for (const auto& channel : channels_) channel->subscription.end(reason);
}

void NativeWsRich::on_published(const ClientPublisher::Tag& tag,
                                const Result<Published>& published) {
  if (!is_open()) return;
  if (!published) {
    ++services().counters.client_messages_refused;
    send_error(published.error(), tag.ref, tag.key);
    return;
  }
  if (tag.ref.empty()) return;
  const Position& position = published->ack.position;
  RichChannel* channel = find(tag.key);
  const bool is_ahead = channel != nullptr && channel->subscription.is_live() &&
                        channel->subscription.position().offset < position.offset;
  // As a cursor the ack's id says that all before it was received: so not before it was.
  if (!tag.echo && is_ahead) {
    channel->held_acks.push_back({tag.ref, position});
  } else {
    connection().send_control(rich::ack(tag.ref, position, tag.key));
  }
}

void NativeWsRich::on_own_passed(Subscription& subscription, std::uint64_t offset) {
  release_acks(channel_of(subscription), offset);
}

void NativeWsRich::release_acks(RichChannel& channel, std::uint64_t up_to) {
  std::erase_if(channel.held_acks, [&](const RichChannel::HeldAck& held) {
    if (held.id.offset > up_to) return false;
    if (is_open()) {
      connection().send_control(rich::ack(held.ref, held.id, channel.subscription.key()));
    }
    return true;
  });
}

void NativeWsRich::send_error(const Error& error, std::string_view ref, std::string_view key) {
  if (is_open()) connection().send_control(rich::error(error, ref, key));
}

}  // namespace tako::edge
