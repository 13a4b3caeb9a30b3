// An SSE subscriber: blocks as they come, with every line that was in them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/http_client.h"

namespace tako::test {

// What stands between two blank lines.
struct SseBlock {
  std::optional<std::string> id;
  std::optional<std::string> event;
  std::optional<std::string> data;
  std::optional<std::string> retry;
  std::vector<std::string> comments;
  std::string raw;  // All lines, without the blank one.

  [[nodiscard]] bool is_message() const { return data.has_value() && !event.has_value(); }
  [[nodiscard]] Json json() const { return Json::parse(data.value_or("")); }
};

class SseClient {
 public:
  // Sends the request and reads the head of the answer; the body too unless it is a stream.
  SseClient(const Endpoint& endpoint, std::string target, Headers headers = {},
            int receive_buffer = 0);

  // status 200 and text/event-stream.
  [[nodiscard]] bool is_open() const { return is_stream_; }
  [[nodiscard]] const HttpResponse& response() const { return response_; }
  [[nodiscard]] int status() const { return response_.status; }

  // The next block of any kind. Throws when the stream ends or nothing comes in time.
  [[nodiscard]] SseBlock next(Duration bound = kPatience);
  // The next block; nullopt when the stream ended.
  [[nodiscard]] std::optional<SseBlock> next_or_end(Duration bound = kPatience);
  // The next message; keepalives and blocks without data are passed over.
  [[nodiscard]] SseBlock next_message(Duration bound = kPatience);
  // The opening block's id. Fails when the first block is anything else.
  [[nodiscard]] std::string opening_id();
  // `data` of the next `count` messages, as JSON text.
  [[nodiscard]] std::vector<std::string> next_data(std::size_t count);
  // True when the stream ends, after whatever still comes.
  [[nodiscard]] bool ends(Duration bound = kPatience);

  // The last id seen, as a browser would send it.
  [[nodiscard]] const std::string& last_id() const { return last_id_; }
  void close() { stream_.socket().close(); }
  [[nodiscard]] HttpStream& stream() { return stream_; }

 private:
  HttpStream stream_;
  HttpResponse response_;
  bool is_stream_ = false;
  std::string buffer_;
  std::string last_id_;
};

}  // namespace tako::test
