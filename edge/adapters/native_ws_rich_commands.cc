// What clients of the rich dialect say: subscribe, unsubscribe, a new credential, messages.
#include <utility>

#include "common/json_text.h"
#include "edge/adapters/native_ws_rich.h"
#include "edge/adapters/rich_frames.h"

namespace tako::edge {
namespace {

constexpr std::string_view kControlPrefix = "tako.";

}  // namespace

void NativeWsRich::on_frame(std::string_view message) {
  ended_.clear();
  const Result<ClientFrame> frame = parse_client_frame(message);
  if (!frame) return close_for(frame.error());
  if (!frame->type.starts_with(kControlPrefix)) return on_client_message(*frame, message);
  if (frame->type == "tako.subscribe") return on_subscribe(*frame);
  if (frame->type == "tako.unsubscribe") return on_unsubscribe(*frame);
  if (frame->type == "tako.presence") return on_presence(*frame, message);
  if (is_auth_frame(*frame)) return on_auth(*frame);
  send_error(Error{ErrorCode::MessageMalformed, "unknown control frame", 0}, ref_of(*frame));
}

void NativeWsRich::on_subscribe(const ClientFrame& frame) {
  const std::string ref = ref_of(frame);
  if (channels_.size() >= services().limits.subscriptions_per_connection_max) {
    ++services().limit_counters.subscriptions_per_connection_max;
    const Error full{ErrorCode::LimitReached, "too many subscriptions on this connection", 0};
    return send_error(full, ref);
  }
  Result<SubscribeCommand> command = parse_subscribe(data_of(frame));
  if (!command) {
    count_limit(command.error(), services().limit_counters);
    return send_error(command.error(), ref);
  }
  Result<SubscriptionRequest> request = request_for(std::move(*command));
  if (!request) {
    ++services().counters.subscriptions_refused;
    return send_error(request.error(), ref);
  }
  const std::string& key = request->target.channel.key;
  if (find(key) != nullptr) return send_error(Error{ErrorCode::SubscriptionExists}, ref, key);
  RichChannel& channel = add(ref);
  channel.asks_presence = request->presence.wish != PresenceWish::Nothing;
  channel.subscription.open(std::move(*request));
  arm();
}

Result<SubscriptionRequest> NativeWsRich::request_for(SubscribeCommand command) const {
  const EdgeServices& edge = services();
  ChannelCall call{.app = upgrade_.app,
                   .name = std::move(command.channel),
                   .params = std::move(command.params),
                   .params_are_json = true};
  Result<ChannelTarget> target = resolve_channel(call, edge.definitions.of(upgrade_.app));
  if (!target) {
    count_limit(target.error(), edge.limit_counters);
    return std::unexpected(std::move(target.error()));
  }
  if (target->definition->transport == Transport::Sse) return fail(ErrorCode::TransportNotEnabled);
  if (auto checked = check_presence_data(*target->definition, command.presence.data); !checked) {
    count_limit(checked.error(), edge.limit_counters);
    return std::unexpected(std::move(checked.error()));
  }
  Credentials credentials = credentials_of(upgrade_, *target->definition);
  const bool takes_header = target->definition->auth && target->definition->auth->header_name;
  if (command.credential && takes_header) credentials.header = std::move(command.credential);
  if (credentials.is_by_cookie() && !edge.origins.of(upgrade_.app).accepts(upgrade_, true)) {
    return fail(ErrorCode::OriginRefused);
  }
  if (!target->is_public() && credentials.is_none()) return fail(ErrorCode::Unauthorized);
  return SubscriptionRequest{.call = std::move(call),
                             .target = std::move(*target),
                             .credentials = std::move(credentials),
                             .operation = Operation::Connect,
                             .cursor = command.cursor,
                             .rewind = command.rewind,
                             .form = WireForm::WsRich,
                             .presence = std::move(command.presence)};
}

void NativeWsRich::on_unsubscribe(const ClientFrame& frame) {
  const std::string ref = ref_of(frame);
  const auto members = split_json_object(data_of(frame));
  const auto key = members ? text_member(*members, "key") : std::nullopt;
  if (!key) {
    return send_error(Error{ErrorCode::MessageMalformed, "tako.unsubscribe needs data.key", 0},
                      ref);
  }
  RichChannel* channel = find(*key);
  if (channel == nullptr) return send_error(Error{ErrorCode::SubscriptionUnknown}, ref, *key);
  release_acks(*channel, UINT64_MAX);
  remove(*channel, PresenceEnd::Left);
  if (!ref.empty()) connection().send_control(rich::ack(ref, {}, *key));
  ended_.clear();
}

// A new credential before the old one's permission ends: for one subscription, or for all whose
// permission ends at all. The answer to a refusal is the subscription's end.
void NativeWsRich::on_auth(const ClientFrame& frame) {
  const auto token = text_member(frame.members, "token");
  if (!token) return;
  const std::string key = text_member(frame.members, "key").value_or("");
  for (const auto& channel : channels_) {
    const bool is_meant = key.empty() ? channel->subscription.permission().expires_ms() != 0
                                      : channel->subscription.key() == key;
    if (is_meant) channel->subscription.reauthorize(parse_credential(*token));
  }
}

RichChannel* NativeWsRich::target_of(std::string_view key) const {
  if (!key.empty()) return find(key);
  for (const auto& channel : channels_) {
    if (channel->is_first) return channel.get();
  }
  return channels_.size() == 1 ? channels_.front().get() : nullptr;
}

void NativeWsRich::on_client_message(const ClientFrame& frame, std::string_view text) {
  Result<ClientMessage> message = parse_client_message(frame);
  if (!message) return close_for(message.error());
  RichChannel* channel = target_of(message->key);
  const std::string ref = message->ref;
  const std::string key = message->key;
  if (channel == nullptr) return send_error(Error{ErrorCode::SubscriptionUnknown}, ref, key);
  if (!channel->subscription.is_live()) {
    if (channel->is_first) return hold(text);
    return send_error(Error{ErrorCode::SubscriptionUnknown, "not subscribed yet", 0}, ref, key);
  }
  const auto published = publisher().publish(channel->subscription, std::move(*message), id_);
  if (published) return;
  ++services().counters.client_messages_refused;
  refuse_frame(published.error(), ref, channel->subscription.key());
}

ClientPublisher& NativeWsRich::publisher() {
  if (publisher_ == nullptr) {
    publisher_ = std::make_unique<ClientPublisher>(services(), book_, *this);
  }
  return *publisher_;
}

void NativeWsRich::refuse_frame(const Error& error, std::string_view ref, std::string_view key) {
  send_error(error, ref, key);
  if (error.code != ErrorCode::RateLimited || !publisher().is_flooding()) return;
  ++services().limit_counters.client_rate_refusals_max;
  close(ErrorCode::RateLimited);
}

}  // namespace tako::edge
