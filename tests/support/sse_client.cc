// The event stream format of the HTML standard, for LF line ends, which is what the product sends.
#include "tests/support/sse_client.h"

#include <sstream>
#include <utility>

namespace tako::test {
namespace {

void append_line(std::optional<std::string>& field, std::string_view value) {
  if (field) {
    *field += "\n" + std::string(value);
  } else {
    field = value;
  }
}

SseBlock parse_block(std::string raw) {
  SseBlock block;
  std::istringstream lines(raw);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    const std::string name = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (name.empty()) {
      block.comments.push_back(value);
    } else if (name == "id") {
      block.id = value;
    } else if (name == "event") {
      block.event = value;
    } else if (name == "data") {
      append_line(block.data, value);
    } else if (name == "retry") {
      block.retry = value;
    } else {
      throw TestFailure("unknown field in an event stream: " + line);
    }
  }
  block.raw = std::move(raw);
  return block;
}

}  // namespace

SseClient::SseClient(const Endpoint& endpoint, std::string target, Headers headers,
                     int receive_buffer)
    : stream_(Socket::connect(endpoint, receive_buffer)) {
  const std::string host = endpoint.starts_with("unix:") ? "localhost" : endpoint;
  stream_.write(serialize({.target = std::move(target), .headers = std::move(headers)}, host));
  auto head = stream_.read_head();
  if (!head) throw TestFailure("the connection was closed instead of an answer");
  response_.status = head->status();
  response_.head = std::move(*head);
  stream_.begin_body(Framing::of_response(response_.head, "GET"));
  is_stream_ =
      response_.status == 200 && response_.header("content-type").starts_with("text/event-stream");
  if (!is_stream_) response_.body = stream_.read_body();
}

std::optional<SseBlock> SseClient::next_or_end(Duration bound) {
  if (!is_stream_) {
    throw TestFailure("no stream but " + response_.head.start_line + ": " + response_.body);
  }
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    const std::size_t end = buffer_.find("\n\n");
    if (end != std::string::npos) {
      SseBlock block = parse_block(buffer_.substr(0, end));
      buffer_.erase(0, end + 2);
      if (block.id) last_id_ = *block.id;
      return block;
    }
    auto piece = stream_.read_body_some(Duration(poll_timeout(deadline)));
    if (!piece) return std::nullopt;
    buffer_ += *piece;
  }
}

SseBlock SseClient::next(Duration bound) {
  auto block = next_or_end(bound);
  if (!block) throw TestFailure("the event stream ended; left over: \"" + buffer_ + "\"");
  return std::move(*block);
}

SseBlock SseClient::next_message(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    SseBlock block = next(Duration(poll_timeout(deadline)));
    if (block.is_message()) return block;
  }
}

std::string SseClient::opening_id() {
  const SseBlock block = next();
  if (!block.id || block.data || block.event || !block.comments.empty()) {
    throw TestFailure("not an opening block: " + block.raw);
  }
  return *block.id;
}

std::vector<std::string> SseClient::next_data(std::size_t count) {
  std::vector<std::string> result;
  while (result.size() < count) result.push_back(next_message().json()["data"].print());
  return result;
}

bool SseClient::ends(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  try {
    while (next_or_end(Duration(poll_timeout(deadline)))) {
    }
  } catch (const TestFailure&) {
    return false;  // Still open at the bound.
  }
  return true;
}

}  // namespace tako::test
