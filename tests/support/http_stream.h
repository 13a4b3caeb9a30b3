// HTTP/1.1 over a test socket: heads and bodies as they come, for clients and for servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/socket.h"

namespace tako::test {

struct Header {
  std::string name;
  std::string value;
};
using Headers = std::vector<Header>;

struct HttpHead {
  std::string start_line = {};
  Headers headers = {};
  std::string raw = {};  // As received, with the empty line.

  // The first header of that name, compared without case.
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
  [[nodiscard]] std::size_t header_count(std::string_view name) const;
  // The status code of a response's start line.
  [[nodiscard]] int status() const;
};

// How the end of a body is known (RFC 9112 6.3).
struct Framing {
  enum class Kind { None, Length, Chunked, UntilClose };
  Kind kind = Kind::None;
  std::uint64_t length = 0;

  [[nodiscard]] static Framing of_request(const HttpHead& head);
  [[nodiscard]] static Framing of_response(const HttpHead& head, std::string_view method);
};

class HttpStream {
 public:
  explicit HttpStream(Socket socket) : socket_(std::move(socket)) {}

  // The next head; nullopt when the peer closed before the first byte of one. Throws when it
  // closed in the middle or took longer than the bound.
  [[nodiscard]] std::optional<HttpHead> read_head(Duration bound = kPatience);

  void begin_body(Framing framing);
  // The next piece of the body, decoded; nullopt at its end.
  [[nodiscard]] std::optional<std::string> read_body_some(Duration bound = kPatience);
  // Up to the end of the body.
  [[nodiscard]] std::string read_body(Duration bound = kPatience);
  // False when the connection ended before the body did.
  [[nodiscard]] bool body_complete() const { return !truncated_; }

  // Raw bytes behind the head, for upgraded connections: buffered ones first.
  [[nodiscard]] ReadResult read_raw(Duration bound = kPatience);

  void write(std::string_view bytes) { socket_.write(bytes); }
  [[nodiscard]] Socket& socket() { return socket_; }
  // True when the peer ends the connection within the bound.
  [[nodiscard]] bool closed_by_peer(Duration bound = kPatience);

 private:
  // More bytes into buffer_; false when the peer closed. Throws at the deadline.
  [[nodiscard]] bool fill(Deadline deadline);
  [[nodiscard]] std::optional<std::string> take_line(Deadline deadline);
  [[nodiscard]] std::string take(std::size_t most);
  [[nodiscard]] std::optional<std::string> read_counted(Deadline deadline);
  [[nodiscard]] std::optional<std::string> read_chunked(Deadline deadline);
  [[nodiscard]] std::optional<std::string> end_body(bool complete);

  Socket socket_;
  std::string buffer_;
  Framing framing_;
  std::uint64_t left_ = 0;  // Of the body by length, or of the current chunk.
  bool in_chunks_ = false;
  bool truncated_ = false;
};

}  // namespace tako::test
