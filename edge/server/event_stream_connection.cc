// The comment that keeps a stream alive, and the last chunk that ends it.
#include "edge/server/event_stream_connection.h"

#include <utility>

#include "common/http/response.h"

namespace tako::edge {
namespace {

constexpr std::string_view kKeepalive = ": keepalive\n\n";
constexpr std::string_view kKeepaliveChunk = "d\r\n: keepalive\n\n\r\n";
static_assert(kKeepalive.size() == 0xd);

}  // namespace

EventStreamConnection::EventStreamConnection(ClientContext& context,
                                             std::unique_ptr<uv::Stream> stream,
                                             std::unique_ptr<ClientHandler> handler,
                                             bool is_chunked)
    : ClientSocket(context, std::move(stream), std::move(handler)), is_chunked_(is_chunked) {
  ++context.counters.event_streams_open;
}

EventStreamConnection::~EventStreamConnection() { --context().counters.event_streams_open; }

void EventStreamConnection::keepalive() {
  if (state() != State::Open) return;
  push(SharedBytes(is_chunked_ ? kKeepaliveChunk : kKeepalive), FrameKind::Control);
}

SharedBytes EventStreamConnection::make_goodbye(ErrorCode /*code*/, std::string_view /*reason*/) {
  return is_chunked_ ? SharedBytes(http::kLastChunk) : SharedBytes();
}

}  // namespace tako::edge
