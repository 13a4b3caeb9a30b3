// The reading side of a server connection, and its way from request to request.
#include "common/http/server_connection.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace tako::http {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Response answer_to(const ParseError& error) {
  Error body;
  body.code = error.code;
  body.detail = "The request was refused: " + std::string(error.reason) + ".";
  return error_response(error.status, body);
}

}  // namespace

ServerTimeouts::ServerTimeouts()
    : head(limits::kHttpHeadMs),
      idle(limits::kHttpIdleMs),
      body(limits::kHttpBodyProgressMs),
      write(limits::kHttpWriteProgressMs),
      linger(limits::kHttpLingerMs) {}

ServerConnection::ServerConnection(std::unique_ptr<uv::Stream> stream, uv::TimerWheel& wheel,
                                   RequestHandler& handler, ConnectionOwner& owner,
                                   const ServerTimeouts& timeouts, ServerCounters& counters)
    : loop_(stream->loop()),
      wheel_(wheel),
      handler_(handler),
      owner_(owner),
      timeouts_(timeouts),
      counters_(counters),
      stream_(std::move(stream)),
      turn_end_(loop_, [this] { on_turn_end(); }) {
  stream_->set_observer(this);
  stream_->start_reading();
  wheel_.arm(read_deadline_, timeouts_.head);
}

ServerConnection::~ServerConnection() {
  exchange_.reset();  // While the rest of the connection is still there for it to look at.
}

std::string ServerConnection::peer_ip() const {
  if (!is_open()) return {};
  const Result<uv::Address> peer = stream_->peer();
  const auto* tcp = peer ? std::get_if<uv::TcpAddress>(&*peer) : nullptr;
  return tcp == nullptr ? std::string() : tcp->host;
}

std::optional<uv::PeerCredentials> ServerConnection::credentials() const {
  return is_open() ? stream_->credentials() : std::nullopt;
}

void ServerConnection::on_bytes(std::span<const std::byte> bytes) {
  if (state_ == State::Lingering) return on_late_bytes(bytes.size());
  if (unread_.empty()) {
    input_ = bytes;
    parse();
  } else {
    unread_.append(text_of(bytes));
    parse_unread();
  }
  adjust_reading();
}

void ServerConnection::on_late_bytes(std::size_t count) {
  dropped_ += count;
  if (dropped_ <= limits::kHttpLingerBytesMax) return;
  ++counters_.linger_floods;
  over();
}

void ServerConnection::parse_unread() {
  const std::string bytes = std::exchange(unread_, {});
  input_ = std::as_bytes(std::span{bytes});
  parse();
}

// Takes events from input_ as long as somebody may have them; the rest goes to unread_. Each event
// may end the connection or take the stream, but never destroys *this (only on_turn_end() does).
void ServerConnection::parse() {
  while (can_parse()) {
    const ParseStep step = parser_.next(input_);
    input_ = input_.subspan(step.consumed);
    handle_step(step);
    if (step.event == ParseEvent::NeedMore || step.event == ParseEvent::Failed) break;
  }
  if (is_open()) unread_.assign(text_of(input_));
  input_ = {};
}

bool ServerConnection::can_parse() const noexcept {
  switch (state_) {
    case State::Waiting:
    case State::Head:
      return true;
    case State::Exchanging:
      return !is_body_done_ && !is_body_paused_ && !response_done_;
    case State::Discarding:
      return !is_body_done_;
    case State::Lingering:
    case State::Over:
      break;
  }
  return false;
}

void ServerConnection::handle_step(const ParseStep& step) {
  switch (step.event) {
    case ParseEvent::NeedMore:
      note_head_begun();
      return;
    case ParseEvent::Head:
      begin_exchange();
      return;
    case ParseEvent::Body:
      wants_continue_ = false;  // It did not wait.
      body_left_ -= std::min<std::uint64_t>(body_left_, step.body.size());
      wheel_.arm(read_deadline_, timeouts_.body);
      if (state_ == State::Exchanging && exchange_ != nullptr) exchange_->on_body(step.body);
      return;
    case ParseEvent::End:
      is_body_done_ = true;
      read_deadline_.cancel();
      if (state_ == State::Discarding) {
        turn_end_.schedule();
      } else if (exchange_ != nullptr && !response_done_) {
        exchange_->on_body_end();
      }
      return;
    case ParseEvent::Failed:
      count_refusal(step.error);
      refuse(answer_to(step.error));
      return;
  }
}

void ServerConnection::count_refusal(const ParseError& error) {
  ++counters_.requests_malformed;
  if (error.code == ErrorCode::UrlTooLong) ++counters_.urls_too_long;
  if (error.reason == kWordyChunks) ++counters_.chunks_too_wordy;
  if (error.code != ErrorCode::HeadTooLarge) return;
  ++(error.reason == kTooManyHeaders ? counters_.headers_too_many : counters_.heads_too_large);
}

// The time for a head runs from its first byte, and no later byte moves it: that is what stops a
// client that sends one byte a second.
void ServerConnection::note_head_begun() {
  if (state_ != State::Waiting || parser_.is_between_messages()) return;
  state_ = State::Head;
  if (requests_ > 0) wheel_.arm(read_deadline_, timeouts_.head);
}

void ServerConnection::begin_exchange() {
  RequestHead head = parser_.take_head();
  ++requests_;
  ++counters_.requests;
  state_ = State::Exchanging;
  is_head_request_ = head.method == "HEAD";
  is_http10_ = head.version_minor == 0;
  wants_keep_alive_ = head.keep_alive;
  wants_upgrade_ = head.upgrade;
  wants_continue_ = head.expects_continue;
  body_framing_ = head.body;
  body_left_ = head.content_length;
  is_body_paused_ = false;
  is_body_done_ = head.body == BodyFraming::None;
  if (is_body_done_) {
    // Whole before the handler sees it, so that it can take the stream at once.
    TAKO_CHECK(parser_.next({}).event == ParseEvent::End);
    read_deadline_.cancel();
  } else {
    wheel_.arm(read_deadline_, timeouts_.body);
  }
  hand_to_handler(std::move(head));
}

void ServerConnection::hand_to_handler(RequestHead head) {
  exchange_ = handler_.on_request(*this, std::move(head));
  if (state_ == State::Over) return;  // The stream was taken, or the client is gone.
  if (exchange_ == nullptr && !response_done_) {
    ++counters_.unanswered;
    refuse(error_response(Error{ErrorCode::Internal}));
    return;
  }
  if (response_done_) return;
  if (is_body_done_) {
    exchange_->on_body_end();
  } else {
    send_continue();
  }
}

void ServerConnection::send_continue() {
  if (!wants_continue_ || exchange_ == nullptr || response_begun_ || is_body_paused_) return;
  wants_continue_ = false;
  send(kContinue);
}

void ServerConnection::pause_body() {
  if (!is_open() || is_body_done_) return;
  is_body_paused_ = true;
  read_deadline_.cancel();
  adjust_reading();
}

void ServerConnection::resume_body() {
  if (!is_open() || !is_body_paused_) return;
  is_body_paused_ = false;
  wheel_.arm(read_deadline_, timeouts_.body);
  send_continue();
  turn_end_.schedule();  // Parses what was held back; not here, below a frame of the exchange.
}

bool ServerConnection::can_take_stream() const noexcept {
  return is_open() && state_ == State::Exchanging && is_body_done_ && !response_begun_ &&
         out_.empty();
}

TakenStream ServerConnection::take_stream() {
  TAKO_CHECK(can_take_stream());
  TakenStream taken;
  stream_->stop_reading();
  stream_->set_observer(nullptr);
  taken.stream = std::move(stream_);
  taken.unread.append(text_of(input_)).append(unread_);
  over();
  return taken;
}

void ServerConnection::on_end() {
  peer_ended_ = true;
  const bool is_answer_due = state_ == State::Exchanging && is_body_done_;
  if (!is_answer_due) {
    over();
    return;
  }
  if (exchange_ != nullptr && !response_done_) exchange_->on_client_end();
}

void ServerConnection::on_closed(uv::CloseReason /*reason*/) { over(); }

void ServerConnection::on_read_deadline() {
  switch (state_) {
    case State::Waiting:
      if (!owner_.is_draining()) {
        ++(requests_ == 0 ? counters_.head_timeouts : counters_.idle_timeouts);
      }
      over();
      return;
    case State::Head:
      time_out_request(counters_.head_timeouts);
      return;
    case State::Exchanging:
      time_out_request(counters_.body_timeouts);
      return;
    case State::Lingering:
      ++counters_.linger_timeouts;
      over();
      return;
    case State::Discarding:
      ++counters_.body_timeouts;
      over();
      return;
    case State::Over:
      return;
  }
}

void ServerConnection::time_out_request(std::uint64_t& counter) {
  ++counter;
  refuse(error_response(Error{ErrorCode::RequestTimeout}));
}

// The connection itself answers, in place of a handler, and closes.
void ServerConnection::refuse(const Response& response) {
  exchange_.reset();
  if (!is_open()) return;
  if (response_begun_) {
    abort_response();
    return;
  }
  read_deadline_.cancel();
  state_ = State::Exchanging;
  is_body_done_ = true;
  is_head_request_ = false;
  wants_keep_alive_ = false;
  respond(response);
}

void ServerConnection::refuse_connection(const Error& error) { refuse(error_response(error)); }

void ServerConnection::close_if_idle() {
  const bool is_idle = state_ == State::Waiting && parser_.is_between_messages();
  if (!is_idle) return;
  const bool may_ask = requests_ == 0 || stream_->has_last_words();
  if (may_ask) {
    wheel_.arm(read_deadline_, timeouts_.linger);
  } else {
    over();
  }
}

std::unique_ptr<uv::Stream> ServerConnection::take_if_idle() {
  const bool is_idle =
      state_ == State::Waiting && parser_.is_between_messages() && unread_.empty() && out_.empty();
  if (!is_idle) return nullptr;
  stream_->stop_reading();
  stream_->set_observer(nullptr);
  std::unique_ptr<uv::Stream> stream = std::move(stream_);
  over();
  return stream;
}

void ServerConnection::note_kept() {
  requests_ = 1;
  wheel_.arm(read_deadline_, timeouts_.idle);
}

// The one place where exchanges end and connections die: no frame of theirs is below.
void ServerConnection::on_turn_end() {
  flush_pending_head();
  if (response_done_) exchange_.reset();
  if (response_done_ && out_.empty()) advance_after_response();
  // Without bytes too: a pause at the last piece of the body leaves the end to be told.
  if (state_ == State::Exchanging && can_parse()) parse_unread();
  adjust_reading();
  if (state_ == State::Over) owner_.on_connection_over(*this);  // Destroys *this.
}

void ServerConnection::advance_after_response() {
  if (state_ != State::Exchanging && state_ != State::Discarding) return;
  if (close_after_) {
    linger();
  } else if (is_body_done_) {
    next_request();
  } else if (state_ == State::Exchanging) {
    state_ = State::Discarding;
    wheel_.arm(read_deadline_, timeouts_.body);
    parse_unread();
    if (is_open() && is_body_done_) next_request();
  }
}

void ServerConnection::next_request() {
  state_ = State::Waiting;
  response_begun_ = false;
  response_done_ = false;
  is_chunked_ = false;
  has_no_body_ = false;
  length_left_.reset();
  wheel_.arm(read_deadline_, timeouts_.idle);
  if (!unread_.empty()) parse_unread();
  const bool is_between = state_ == State::Waiting || state_ == State::Head;
  if (is_between && peer_ended_) {
    over();
  } else if (is_between && owner_.is_draining()) {
    close_if_idle();
  }
}

void ServerConnection::linger() {
  if (peer_ended_) {
    over();
    return;
  }
  stream_->shutdown_write();
  state_ = State::Lingering;
  dropped_ = 0;
  unread_.clear();
  wheel_.arm(read_deadline_, timeouts_.linger);
}

void ServerConnection::over() {
  state_ = State::Over;
  stream_.reset();
  read_deadline_.cancel();
  write_deadline_.cancel();
  turn_end_.schedule();
}

bool ServerConnection::wants_input() const noexcept {
  if (peer_ended_) return false;
  if (state_ != State::Exchanging) return true;
  // While the answer is worked on we read on, to notice a client that leaves; up to a bound.
  return is_body_done_ || response_done_ ? unread_.size() < limits::kHttpPipelineBytesMax
                                         : !is_body_paused_;
}

void ServerConnection::adjust_reading() {
  if (!is_open() || wants_input() == stream_->is_reading()) return;
  if (stream_->is_reading()) {
    if (!peer_ended_ && (is_body_done_ || response_done_)) ++counters_.pipelines_full;
    stream_->stop_reading();
  } else {
    stream_->start_reading();
  }
}

}  // namespace tako::http
