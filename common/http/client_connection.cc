// Sends one request after another and reads the answers.
#include "common/http/client_connection.h"

#include <array>
#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace tako::http {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ClientConnection::ClientConnection(std::unique_ptr<uv::Stream> stream, uv::TimerWheel& wheel,
                                   ClientConnectionOwner& owner)
    : wheel_(wheel),
      owner_(owner),
      stream_(std::move(stream)),
      turn_end_(stream_->loop(), [this] { on_turn_end(); }) {
  stream_->set_observer(this);
  stream_->start_reading();  // Idle too: the upstream's FIN must not be met by a request.
}

ClientConnection::~ClientConnection() = default;

Headers ClientConnection::headers_of(const ClientRequest& request) const {
  Headers headers = request.headers;
  for (const char* name : {"connection", "content-length", "transfer-encoding", "upgrade"}) {
    headers.remove(name);
  }
  if (const auto* whole = std::get_if<std::string>(&request.body)) {
    headers.add("Content-Length", std::to_string(whole->size()));
  } else if (const auto* length = std::get_if<ClientRequest::Length>(&request.body)) {
    headers.add("Content-Length", std::to_string(length->bytes));
  } else if (is_chunked_) {
    headers.add("Transfer-Encoding", "chunked");
  }
  if (request.upgrade) {
    headers.add("Connection", "Upgrade");
    headers.add("Upgrade", *request.upgrade);
  }
  return headers;
}

void ClientConnection::send(const ClientRequest& request, ResponseObserver& observer) {
  TAKO_CHECK(is_idle() && stream_ != nullptr);
  idle_deadline_.cancel();
  ++requests_;
  observer_ = &observer;
  parser_.emplace(request.method == "HEAD");
  const auto* length = std::get_if<ClientRequest::Length>(&request.body);
  length_left_ = length == nullptr ? 0 : length->bytes;
  is_chunked_ = std::holds_alternative<ClientRequest::Chunked>(request.body);
  request_done_ = !is_chunked_ && length_left_ == 0;
  is_interim_ = false;
  wants_upgrade_ = request.upgrade.has_value();
  const std::string head = request_head(request.method, request.target, headers_of(request));
  const auto* whole = std::get_if<std::string>(&request.body);
  const std::array<std::string_view, 2> pieces{
      head, whole == nullptr ? std::string_view() : std::string_view(*whole)};
  transmit(pieces);
}

bool ClientConnection::write_body(std::string_view piece) {
  if (is_idle() || piece.empty()) return true;
  TAKO_CHECK(!request_done_);
  if (is_chunked_) {
    const std::string size_line = chunk_header(piece.size());
    const std::array<std::string_view, 3> pieces{size_line, piece, "\r\n"};
    transmit(pieces);
  } else {
    TAKO_CHECK(piece.size() <= length_left_);
    length_left_ -= piece.size();
    request_done_ = length_left_ == 0;
    transmit({&piece, 1});
  }
  wants_room_ = out_.size() > limits::kHttpWriteHighBytes;
  return !wants_room_;
}

void ClientConnection::end_body() {
  if (is_idle() || request_done_) return;
  TAKO_CHECK(is_chunked_);
  request_done_ = true;
  transmit({&kLastChunk, 1});
}

// A failed write is no answer yet: the upstream may have said why (413) before it closed. What it
// said, or the end, comes by reading.
void ClientConnection::transmit(std::span<const std::string_view> pieces) {
  if (is_write_broken_) return;
  if (!out_.send(*stream_, pieces)) {
    is_write_broken_ = true;
    out_ = uv::SendQueue();
    return;
  }
  if (!out_.empty() && !write_deadline_.is_armed()) {
    wheel_.arm(write_deadline_, std::chrono::milliseconds{limits::kHttpWriteProgressMs});
  }
}

void ClientConnection::on_writable() {
  const Result<bool> flushed = out_.flush(*stream_);
  if (!flushed) {
    is_write_broken_ = true;
    out_ = uv::SendQueue();
  }
  if (out_.empty()) {
    write_deadline_.cancel();
  } else if (*flushed) {
    wheel_.arm(write_deadline_, std::chrono::milliseconds{limits::kHttpWriteProgressMs});
  }
  if (!wants_room_ || out_.size() > limits::kHttpWriteHighBytes / 2) return;
  wants_room_ = false;
  if (observer_ != nullptr) observer_->on_request_writable();
}

void ClientConnection::on_write_deadline() {
  fail_exchange(ErrorCode::UpstreamTimeout, "the upstream did not read the request");
}

void ClientConnection::pause_response() {
  if (is_idle() || is_paused_) return;
  is_paused_ = true;
  stream_->stop_reading();
}

void ClientConnection::resume_response() {
  if (is_idle() || !is_paused_) return;
  is_paused_ = false;
  turn_end_.schedule();  // Not here: the caller may be inside one of the observer's calls.
}

void ClientConnection::on_turn_end() {
  if (is_idle() || is_paused_) return;
  // Without bytes too: a pause at the last piece of the body leaves the end to be told.
  const std::string bytes = std::exchange(unread_, {});
  parse(std::as_bytes(std::span{bytes}));
  if (can_parse() && !peer_ended_) stream_->start_reading();
}

void ClientConnection::on_bytes(std::span<const std::byte> bytes) {
  if (is_idle()) {
    owner_.on_dead(*this);  // An answer that nobody asked for.
    return;
  }
  parse(bytes);
}

bool ClientConnection::can_parse() const noexcept {
  return observer_ != nullptr && !is_paused_ && !is_upgraded_;
}

// The observer may end the exchange in any of its calls, but *this lives to the end of the turn.
void ClientConnection::parse(std::span<const std::byte> bytes) {
  input_ = bytes;
  while (can_parse()) {
    const ParseStep step = parser_->next(input_);
    input_ = input_.subspan(step.consumed);
    handle_step(step);
    if (step.event == ParseEvent::NeedMore || step.event == ParseEvent::Failed) break;
  }
  if (observer_ != nullptr && stream_ != nullptr) unread_.assign(text_of(input_));
  input_ = {};
}

void ClientConnection::handle_step(const ParseStep& step) {
  switch (step.event) {
    case ParseEvent::NeedMore:
      return;
    case ParseEvent::Head:
      handle_head();
      return;
    case ParseEvent::Body:
      observer_->on_response_body(step.body);
      return;
    case ParseEvent::End:
      if (!is_interim_) finish_response();
      return;
    case ParseEvent::Failed:
      fail_exchange(ErrorCode::UpstreamUnavailable,
                    "the upstream's answer is malformed: " + std::string(step.error.reason));
      return;
  }
}

void ClientConnection::handle_head() {
  ResponseHead head = parser_->take_head();
  is_interim_ = head.is_interim();
  if (is_interim_) return;
  if (head.status == 101) {
    if (!wants_upgrade_) {
      fail_exchange(ErrorCode::UpstreamUnavailable, "the upstream upgraded without being asked");
      return;
    }
    is_upgraded_ = true;
    stream_->stop_reading();
  }
  keep_alive_ = head.keep_alive;
  observer_->on_response(std::move(head));
}

void ClientConnection::finish_response() {
  // A response before the request's end leaves the rest of the request in the way of the next one.
  const bool is_reusable = keep_alive_ && request_done_ && out_.empty() && input_.empty() &&
                           !peer_ended_ && !is_write_broken_;
  ResponseObserver& observer = *observer_;
  settle(is_reusable);
  observer.on_response_end();
}

void ClientConnection::settle(bool is_reusable) {
  observer_ = nullptr;
  write_deadline_.cancel();
  is_paused_ = false;
  wants_room_ = false;
  unread_.clear();
  if (is_reusable) stream_->start_reading();  // It may have been paused until the last piece.
  owner_.on_idle(*this, is_reusable);
}

void ClientConnection::fail_exchange(ErrorCode code, std::string detail) {
  if (is_idle()) return;
  ResponseObserver& observer = *observer_;
  settle(false);
  Error error;
  error.code = code;
  error.detail = std::move(detail);
  observer.on_failed(error);
}

void ClientConnection::cancel() {
  if (!is_idle()) settle(false);
}

void ClientConnection::on_end() {
  peer_ended_ = true;
  lost("closed the connection");
}

void ClientConnection::on_closed(uv::CloseReason reason) {
  lost(reason == uv::CloseReason::TimedOut ? "stopped answering" : "reset the connection");
}

void ClientConnection::lost(std::string_view how) {
  if (is_idle()) {
    owner_.on_dead(*this);
    return;
  }
  if (parser_->is_untouched() && requests_ > 1) {
    ResponseObserver& observer = *std::exchange(observer_, nullptr);
    write_deadline_.cancel();
    owner_.on_stale(*this, observer);
    return;
  }
  if (peer_ended_ && parser_->finish().event == ParseEvent::End) {
    finish_response();
    return;
  }
  fail_exchange(ErrorCode::UpstreamUnavailable,
                "the upstream " + std::string(how) + " before the end of its answer");
}

std::unique_ptr<uv::Stream> ClientConnection::take_stream(std::string& unread) {
  TAKO_CHECK(is_upgraded_ && stream_ != nullptr);
  unread.assign(unread_.empty() ? text_of(input_) : std::string_view(unread_));
  stream_->set_observer(nullptr);
  std::unique_ptr<uv::Stream> stream = std::move(stream_);
  settle(false);
  return stream;
}

void ClientConnection::expire_after(std::chrono::milliseconds idle) {
  wheel_.arm(idle_deadline_, idle);
}

void ClientConnection::on_idle_deadline() { owner_.on_expired(*this); }

}  // namespace tako::http
