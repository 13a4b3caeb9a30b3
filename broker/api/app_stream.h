// AppStream: GET /v1/channels/<name>/stream, an event stream of a channel for its app and takoctl.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "broker/channel/subscription.h"
#include "common/http/server_connection.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"

namespace tako::broker {

class AppStream;

// The streams that are open, shared by all of them.
struct AppStreams {
  std::unordered_set<AppStream*> open;
  std::uint64_t ephemeral_dropped_total = 0;  // the reader was behind, or had no room
};

struct AppStreamRequest {
  ChannelIdentity channel;
  std::optional<Cursor> from;  // nullopt: live from the head
  std::int64_t keepalive_ms = 25'000;
  bool tells_gaps = false;  // `_events=1`: a gap is an event, and the stream goes on
};

// One reader with a cursor; the log is its queue. Written as the edge writes its event streams
// (protocol document §3): an opening `id:` block, then `id:` and `data:` for each message.
class AppStream final : public http::Exchange, private Sink {
 public:
  // Sends the head. A cursor that can't go on must have been refused before, unless it tells gaps.
  AppStream(http::ServerConnection& connection, ChannelTable& table, AppStreamRequest request,
            AppStreams& streams);
  ~AppStream() override;

  // Ends the response; the exchange goes at the end of the turn.
  void end();

 private:
  void on_writable() override;
  void on_client_end() override;
  void on_appended() override { pump_task_.schedule(); }
  void on_ephemeral(const MessagePtr& message) override;

  void open();
  void pump();
  void on_keepalive();
  void write_gap(GapReason reason, Position from, Position to);
  void write_message(const StoredMessage& message);
  void write(std::string_view block);

  http::ServerConnection& connection_;
  AppStreams& streams_;
  AppStreamRequest request_;
  Position last_;  // what the reader has, for the next gap's `from`
  bool has_room_ = true;
  bool is_over_ = false;
  uv::TurnEndTask pump_task_;
  uv::MemberDeadline<AppStream, &AppStream::on_keepalive> keepalive_{*this};
  Subscription subscription_;
};

}  // namespace tako::broker
