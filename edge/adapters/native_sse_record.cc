// An event stream as it moves to another process.
#include "edge/adapters/native_sse.h"
#include "proto/handoff.pb.h"

namespace tako::edge {

Movability NativeSse::movability() const {
  if (connection_ == nullptr) return Movability::Never;
  return subscription_.can_move() ? Movability::Now : Movability::Soon;
}

void NativeSse::save(proto::ClientRecord& record) const {
  proto::EventStreamRecord& stream = *record.mutable_event_stream();
  stream.set_is_chunked(options_.is_chunked);
  stream.set_tells_events(options_.tells_events);
  times_.save(*stream.mutable_times());
  subscription_.save(*stream.mutable_subscription());
}

void NativeSse::on_restored(ClientConnection& connection, const proto::ClientRecord& record) {
  connection_ = &connection;
  const proto::EventStreamRecord& stream = record.event_stream();
  times_.restore(stream.times());
  subscription_.restore(stream.subscription(),
                        {.operation = Operation::Subscribe,
                         .form = options_.is_chunked ? WireForm::SseChunked : WireForm::SsePlain},
                        connection);
  arm();
}

}  // namespace tako::edge
