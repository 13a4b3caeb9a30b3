// A native WebSocket as it moves to another process: what both dialects share, and the plain one.
#include <utility>

#include "edge/adapters/native_ws_plain.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

void save_awaited(const SubscriptionRequest& request, proto::AwaitedRecord& record) {
  save_call(request.call, *record.mutable_call());
  record.set_ip(request.credentials.ip);
  PresenceSession::save_request(request.presence, *record.mutable_presence());
  record.set_rewind_messages(request.rewind.messages);
  record.set_rewind_ms(request.rewind.ms);
  if (!request.cursor) return;
  record.set_has_cursor(true);
  record.set_from_oldest(request.cursor->from_oldest);
  record.set_offset(request.cursor->position.offset);
  record.set_epoch(request.cursor->position.epoch.value);
}

}  // namespace

Movability NativeWs::movability() const {
  if (connection_ == nullptr) return Movability::Never;
  return held_ == nullptr && is_settled() ? Movability::Now : Movability::Soon;
}

void NativeWs::save(proto::ClientRecord& record) const {
  proto::WebSocketRecord& web_socket = *record.mutable_web_socket();
  times_.save(*web_socket.mutable_times());
  if (first_ != nullptr) save_awaited(*first_, *web_socket.mutable_awaited());
  save_channels(web_socket);
}

void NativeWs::on_restored(ClientConnection& connection, const proto::ClientRecord& record) {
  connection_ = &connection;
  const proto::WebSocketRecord& web_socket = record.web_socket();
  times_.restore(web_socket.times());
  if (web_socket.has_awaited()) restore_awaited(web_socket.awaited());
  if (connection_ != nullptr) restore_channels(web_socket);
  arm();
}

// It has no credential yet, so its channel is resolved anew, by the definitions that hold here.
void NativeWs::restore_awaited(const proto::AwaitedRecord& record) {
  ChannelCall call = restored_call(record.call());
  Result<ChannelTarget> target = resolve_channel(call, services_.definitions.of(call.app));
  if (!target) return close_for(target.error());
  if (target->is_public()) return close(ErrorCode::DefinitionsChanged);
  first_ = std::make_unique<SubscriptionRequest>(
      SubscriptionRequest{.call = std::move(call),
                          .target = std::move(*target),
                          .credentials = {.header = {}, .cookie = {}, .ip = record.ip()},
                          .operation = Operation::Connect,
                          .cursor = {},
                          .rewind = {record.rewind_messages(), record.rewind_ms()},
                          .form = form(),
                          .presence = PresenceSession::restored_request(record.presence())});
  if (!record.has_cursor()) return;
  first_->cursor = Cursor{.from_oldest = record.from_oldest(),
                          .position = {record.offset(), Epoch{record.epoch()}}};
}

bool NativeWsPlain::is_settled() const {
  const bool is_answered = publisher_ == nullptr || publisher_->pending() == 0;
  return is_answered && (is_awaiting() || subscription_.can_move());
}

void NativeWsPlain::save_channels(proto::WebSocketRecord& record) const {
  if (is_awaiting()) return;
  subscription_.save(*record.add_channels()->mutable_subscription());
}

void NativeWsPlain::restore_channels(const proto::WebSocketRecord& record) {
  if (record.channels().empty()) return;
  subscription_.restore(record.channels(0).subscription(),
                        {.operation = Operation::Connect, .form = form()}, connection());
}

}  // namespace tako::edge
