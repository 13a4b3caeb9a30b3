// A live client as it moves to another process: what is unsent, unparsed and due.
#include <utility>

#include "common/check.h"
#include "edge/server/client_socket.h"
#include "edge/server/websocket_connection.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

// Each frame stays its own: of those that are not begun some may still be dropped.
void save_unsent(const Outbox& outbox, proto::ConnectionRecord& record) {
  outbox.for_each_unsent([&record](FrameKind kind, std::string_view bytes) {
    proto::UnsentRecord& unsent = *record.add_unsent();
    unsent.set_kind(static_cast<std::uint32_t>(kind));
    unsent.mutable_bytes()->assign(bytes);
  });
  if (!outbox.empty()) record.mutable_unsent(0)->set_is_begun(outbox.is_begun());
}

FrameKind kind_from(std::uint32_t number) {
  if (number == static_cast<std::uint32_t>(FrameKind::Control)) return FrameKind::Control;
  return number == static_cast<std::uint32_t>(FrameKind::Pong) ? FrameKind::Pong
                                                               : FrameKind::Message;
}

// An older version does not say whether the first one was begun: then it may have been.
void restore_unsent(const proto::ConnectionRecord& record, Outbox& outbox) {
  for (const proto::UnsentRecord& unsent : record.unsent()) {
    const bool is_begun = outbox.empty() && (!unsent.has_is_begun() || unsent.is_begun());
    const SharedBytes bytes{unsent.bytes()};
    is_begun ? outbox.push_rest(bytes, kind_from(unsent.kind()))
             : outbox.push(bytes, kind_from(unsent.kind()));
  }
}

// Nothing of a message is whole, so nothing happens.
class NoEvents final : public WebSocketEvents {
 public:
  bool on_text(std::string_view) override { return false; }
  bool on_binary(std::string_view) override { return false; }
  bool on_ping(std::string_view) override { return false; }
  bool on_pong(std::string_view) override { return false; }
  void on_close(std::uint16_t, std::string_view) override {}
  void on_violation(const FrameViolation&) override {}
};

}  // namespace

Movability ClientSocket::movability() const {
  return state_ == State::Open && !peer_ended_ ? handler_->movability() : Movability::Never;
}

void ClientSocket::hold_input() {
  if (state_ == State::Open) stream_->stop_reading();
}

void ClientSocket::release_input() {
  if (state_ == State::Open && !stream_->is_reading()) stream_->start_reading();
}

uv::Fd ClientSocket::pack(proto::ClientRecord& record) {
  TAKO_CHECK(movability() == Movability::Now);
  handler_->save(record);
  proto::ConnectionRecord& connection = *record.mutable_connection();
  connection.set_last_received_ms(last_received_ms_);
  connection.set_last_sent_ms(last_sent_ms_);
  connection.set_handler_due_ms(handler_due_ms_);
  connection.set_progress_due_ms(own_due_ms_);
  save_unsent(outbox_, connection);
  save_input(connection);
  handler_.reset();
  state_ = State::Over;
  timer_.cancel();
  return stream_->release();
}

// A client that was not read until now is watched for as long as it was there already.
void ClientSocket::unpack(const proto::ClientRecord& record) {
  const proto::ConnectionRecord& connection = record.connection();
  stream_->set_observer(this);
  restore_unsent(connection, outbox_);
  has_sent_ = true;
  is_full_ = outbox_.bytes() >= context_.limits.outbox_bytes_max;
  last_received_ms_ = connection.last_received_ms();
  last_sent_ms_ = connection.last_sent_ms();
  handler_due_ms_ = connection.handler_due_ms();
  own_due_ms_ = connection.progress_due_ms();
  if (!outbox_.empty()) stream_->request_writable();
  arm();
  restore_input(connection);
  handler_->on_restored(*this, record);
  if (state_ != State::Over) stream_->start_reading();
}

void WebSocketConnection::save_input(proto::ConnectionRecord& record) const {
  if (parser_ != nullptr) record.set_unparsed(std::string(parser_->unparsed()));
}

void WebSocketConnection::restore_input(const proto::ConnectionRecord& record) {
  if (record.unparsed().empty()) return;
  NoEvents events;
  const auto bytes = std::as_bytes(std::span(record.unparsed()));
  if (!context().parsers.feed(parser_, bytes, events)) is_input_over_ = true;
}

}  // namespace tako::edge
