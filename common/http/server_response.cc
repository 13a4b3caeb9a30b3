// The answering side of a server connection.
#include <array>
#include <utility>

#include "common/check.h"
#include "common/http/server_connection.h"
#include "common/limits.h"

namespace tako::http {

namespace {

bool is_status_without_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

void ServerConnection::respond(const Response& response) {
  if (!is_open()) return;
  TAKO_CHECK(!response_begun_ && state_ == State::Exchanging);
  response_begun_ = true;
  decide_close(response.headers);
  const bool is_without_length = is_status_without_body(response.status);
  const std::string head =
      build_head(response.status, response.headers, is_without_length ? "" : "Content-Length",
                 std::to_string(response.body.size()));
  has_no_body_ = is_without_length || is_head_request_;
  const std::array<std::string_view, 2> pieces{
      head, has_no_body_ ? std::string_view() : std::string_view(response.body)};
  send(pieces);
  complete_response();
}

void ServerConnection::begin_response(int status, const Headers& headers,
                                      std::optional<std::uint64_t> content_length) {
  if (!is_open()) return;
  TAKO_CHECK(!response_begun_ && state_ == State::Exchanging && status != 101);
  response_begun_ = true;
  decide_close(headers);
  has_no_body_ = is_status_without_body(status) || is_head_request_;
  length_left_ = has_no_body_ ? std::nullopt : content_length;
  std::string_view name;
  std::string value;
  if (content_length && status >= 200 && status != 204) {
    name = "Content-Length";
    value = std::to_string(*content_length);
  } else if (!has_no_body_ && !is_http10_) {
    is_chunked_ = true;
    name = "Transfer-Encoding";
    value = "chunked";
  } else if (!has_no_body_) {
    close_after_ = true;  // HTTP/1.0: the end of the connection is the end of the body.
  }
  pending_head_ = build_head(status, headers, name, std::move(value));
  turn_end_.schedule();
}

bool ServerConnection::write_body(std::string_view piece) {
  if (!is_open() || has_no_body_ || piece.empty()) return true;
  TAKO_CHECK(response_begun_ && !response_done_);
  const std::string head = std::exchange(pending_head_, {});
  if (is_chunked_) {
    const std::string size_line = chunk_header(piece.size());
    const std::array<std::string_view, 4> pieces{head, size_line, piece, "\r\n"};
    send(pieces);
  } else {
    if (length_left_) {
      TAKO_CHECK(piece.size() <= *length_left_);
      *length_left_ -= piece.size();
    }
    const std::array<std::string_view, 2> pieces{head, piece};
    send(pieces);
  }
  wants_room_ = out_.size() > limits::kHttpWriteHighBytes;
  if (wants_room_) ++counters_.write_pauses;
  return !wants_room_;
}

void ServerConnection::end_response() {
  if (!is_open()) return;
  TAKO_CHECK(response_begun_ && !response_done_);
  if (length_left_.value_or(0) > 0) {
    abort_response();
    return;
  }
  const std::string head = std::exchange(pending_head_, {});
  const std::array<std::string_view, 2> pieces{head, is_chunked_ ? kLastChunk : std::string_view()};
  send(pieces);
  complete_response();
}

void ServerConnection::abort_response() {
  if (!is_open()) return;
  stream_->reset_on_close();
  over();
}

void ServerConnection::complete_response() {
  response_done_ = true;
  wants_room_ = false;
  turn_end_.schedule();
}

// What decides whether another request may follow; it is told to the client in the head.
void ServerConnection::decide_close(const Headers& headers) {
  // A refused upgrade ends the connection: what follows may already be in the other protocol.
  close_after_ = !wants_keep_alive_ || wants_upgrade_ || owner_.is_draining() ||
                 (peer_ended_ && unread_.empty() && input_.empty()) ||
                 headers.has_token("connection", "close") ||
                 (!is_body_done_ && !can_discard_rest());
  const bool has_long_body = !is_body_done_ && body_left_ > limits::kHttpDiscardBytesMax;
  if (has_long_body) ++counters_.bodies_too_long;
}

// A small rest of the body is read and dropped. A client that still waits for `100 Continue` may or
// may not send one: nobody can tell where the next request begins.
bool ServerConnection::can_discard_rest() const noexcept {
  return body_framing_ == BodyFraming::Length && body_left_ <= limits::kHttpDiscardBytesMax &&
         !wants_continue_;
}

std::string ServerConnection::build_head(int status, Headers headers, std::string_view framing_name,
                                         std::string framing_value) {
  headers.remove("connection");
  headers.remove("content-length");
  headers.remove("transfer-encoding");
  if (!framing_name.empty()) headers.add(std::string(framing_name), std::move(framing_value));
  if (close_after_) {
    headers.add("Connection", "close");
  } else if (is_http10_) {
    headers.add("Connection", "keep-alive");
  }
  return response_head(status, headers);
}

void ServerConnection::flush_pending_head() {
  if (!is_open() || pending_head_.empty()) return;
  const std::string head = std::exchange(pending_head_, {});
  send(head);
}

void ServerConnection::send(std::span<const std::string_view> pieces) {
  if (!is_open()) return;
  if (!out_.send(*stream_, pieces)) {
    over();
    return;
  }
  if (!out_.empty() && !write_deadline_.is_armed()) wheel_.arm(write_deadline_, timeouts_.write);
}

void ServerConnection::on_writable() {
  const Result<bool> flushed = out_.flush(*stream_);
  if (!flushed) {
    over();
    return;
  }
  if (out_.empty()) {
    write_deadline_.cancel();
    if (response_done_) turn_end_.schedule();
  } else if (*flushed) {
    wheel_.arm(write_deadline_, timeouts_.write);
  }
  const bool has_room = out_.size() <= limits::kHttpWriteHighBytes / 2;
  if (wants_room_ && has_room && exchange_ != nullptr) {
    wants_room_ = false;
    exchange_->on_writable();
  }
}

void ServerConnection::on_write_deadline() {
  ++counters_.write_timeouts;
  abort_response();
}

}  // namespace tako::http
