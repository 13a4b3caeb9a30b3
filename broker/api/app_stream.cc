// Pumps a channel into one chunked response.
#include "broker/api/app_stream.h"

#include <chrono>
#include <utility>

#include "broker/api/answer.h"
#include "common/limits.h"

namespace tako::broker {

AppStream::AppStream(http::ServerConnection& connection, ChannelTable& table,
                     AppStreamRequest request, AppStreams& streams)
    : connection_(connection),
      streams_(streams),
      request_(std::move(request)),
      pump_task_(connection.loop(), [this] { pump(); }),
      subscription_(table, request_.channel, *this, request_.from) {
  streams_.open.insert(this);
  open();
}

AppStream::~AppStream() { streams_.open.erase(this); }

void AppStream::open() {
  connection_.begin_response(
      200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-cache, no-transform"}});
  const Resume& start = subscription_.start();
  const ReplayWindow window = subscription_.window();
  const Position begin{start.after, window.epoch};
  const bool continues = request_.from && !start.gap && !request_.from->from_oldest;
  last_ = continues ? request_.from->position : begin;
  if (start.gap) {
    write_gap(start.reason, request_.from->position, begin);
  } else {
    write("id: " + to_string(last_) + "\n\n");
  }
  connection_.wheel().arm(keepalive_, std::chrono::milliseconds(request_.keepalive_ms));
  pump_task_.schedule();
}

void AppStream::pump() {
  while (has_room_ && !is_over_) {
    const Pulled pulled = subscription_.pull(limits::kAppStreamPullBytes);
    if (pulled.state == Pulled::State::Loading) return;  // on_appended() comes when it is there.
    if (pulled.gap) {
      if (!request_.tells_gaps) {
        end();  // The reconnect is told 410.
        return;
      }
      write_gap(*pulled.gap, last_, {subscription_.after(), subscription_.window().epoch});
    }
    for (const MessagePtr& message : pulled.messages) write_message(*message);
    if (!pulled.more) return;
  }
}

void AppStream::write_message(const StoredMessage& message) {
  std::string block;
  if (message.offset() != 0) {
    last_ = message.position();
    block = "id: " + to_string(last_) + "\n";
  }
  block += "data: ";
  append_stored(block, message, request_.channel.name);
  write(block + "\n\n");
}

void AppStream::write_gap(GapReason reason, Position from, Position to) {
  last_ = to;
  std::string block = "id: " + to_string(to) + "\nevent: tako.gap\n";
  block += R"(data: {"from":")" + to_string(from) + R"(","to":")" + to_string(to);
  block += R"(","reason":")" + std::string(to_string(reason)) + "\"}\n\n";
  write(block);
}

void AppStream::write(std::string_view block) {
  if (!is_over_ && connection_.is_open()) has_room_ = connection_.write_body(block);
}

void AppStream::on_ephemeral(const MessagePtr& message) {
  if (is_over_ || !has_room_ || pump_task_.is_scheduled() || !subscription_.is_at_head()) {
    ++streams_.ephemeral_dropped_total;
    return;
  }
  write_message(*message);
}

void AppStream::on_writable() {
  has_room_ = true;
  pump_task_.schedule();
}

void AppStream::on_client_end() { end(); }

void AppStream::on_keepalive() {
  if (is_over_) return;
  if (has_room_) write(": keepalive\n\n");
  connection_.wheel().arm(keepalive_, std::chrono::milliseconds(request_.keepalive_ms));
}

void AppStream::end() {
  if (std::exchange(is_over_, true)) return;
  keepalive_.cancel();
  pump_task_.cancel();
  connection_.end_response();
}

}  // namespace tako::broker
