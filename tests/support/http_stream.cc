// A small HTTP/1.1 reader. It is strict about what the product sends: bare LF or a bad chunk fails.
#include "tests/support/http_stream.h"

#include <algorithm>
#include <cctype>

namespace tako::test {
namespace {

bool same_name(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  });
}

Header parse_header(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) throw TestFailure("bad header: " + std::string(line));
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  return {.name = std::string(line.substr(0, colon)), .value = std::string(value)};
}

HttpHead parse_head(std::string raw) {
  HttpHead head;
  std::string_view rest(raw);
  rest.remove_suffix(2);  // The empty line.
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    if (head.start_line.empty()) {
      head.start_line = line;
    } else {
      head.headers.push_back(parse_header(line));
    }
    rest.remove_prefix(end + 2);
  }
  head.raw = std::move(raw);
  return head;
}

Framing framing_of_headers(const HttpHead& head, Framing without) {
  if (head.header("transfer-encoding")) return {.kind = Framing::Kind::Chunked, .length = 0};
  if (const auto length = head.header("content-length")) {
    return {.kind = Framing::Kind::Length, .length = std::stoull(*length)};
  }
  return without;
}

}  // namespace

std::optional<std::string> HttpHead::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::size_t HttpHead::header_count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers, [name](const Header& header) { return same_name(header.name, name); }));
}

int HttpHead::status() const {
  if (!start_line.starts_with("HTTP/1.1 ") && !start_line.starts_with("HTTP/1.0 ")) {
    throw TestFailure("not a status line: " + start_line);
  }
  return std::stoi(start_line.substr(9, 3));
}

Framing Framing::of_request(const HttpHead& head) {
  return framing_of_headers(head, {.kind = Kind::None, .length = 0});
}

Framing Framing::of_response(const HttpHead& head, std::string_view method) {
  const int status = head.status();
  if (method == "HEAD" || status < 200 || status == 204 || status == 304) return {};
  return framing_of_headers(head, {.kind = Kind::UntilClose, .length = 0});
}

bool HttpStream::fill(Deadline deadline) {
  ReadResult result = socket_.read(Duration(poll_timeout(deadline)));
  if (result.kind == ReadResult::Kind::Timeout) {
    throw TestFailure("nothing more came in time; unread so far: \"" + buffer_.substr(0, 2000) +
                      "\"");
  }
  buffer_ += result.bytes;
  return !result.is_closed();
}

std::string HttpStream::take(std::size_t most) {
  std::string taken = buffer_.substr(0, most);
  buffer_.erase(0, taken.size());
  return taken;
}

std::optional<HttpHead> HttpStream::read_head(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  for (;;) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) return parse_head(take(end + 4));
    if (!fill(deadline)) {
      if (buffer_.empty()) return std::nullopt;
      throw TestFailure("the connection ended inside a head: \"" + buffer_ + "\"");
    }
  }
}

void HttpStream::begin_body(Framing framing) {
  framing_ = framing;
  left_ = framing.kind == Framing::Kind::Length ? framing.length : 0;
  in_chunks_ = false;
  truncated_ = false;
}

std::optional<std::string> HttpStream::end_body(bool complete) {
  truncated_ = !complete;
  framing_ = {};
  return std::nullopt;
}

std::optional<std::string> HttpStream::take_line(Deadline deadline) {
  for (;;) {
    const std::size_t end = buffer_.find("\r\n");
    if (end != std::string::npos) {
      std::string line = take(end + 2);
      line.resize(end);
      return line;
    }
    if (!fill(deadline)) return std::nullopt;
  }
}

std::optional<std::string> HttpStream::read_counted(Deadline deadline) {
  while (buffer_.empty()) {
    if (!fill(deadline)) return end_body(false);
  }
  std::string piece = take(static_cast<std::size_t>(std::min<std::uint64_t>(left_, SIZE_MAX)));
  left_ -= piece.size();
  return piece;
}

std::optional<std::string> HttpStream::read_chunked(Deadline deadline) {
  if (left_ == 0) {
    if (in_chunks_ && take_line(deadline) != "") return end_body(false);
    in_chunks_ = true;
    const auto size = take_line(deadline);
    if (!size) return end_body(false);
    left_ = std::stoull(*size, nullptr, 16);
    if (left_ == 0) {
      auto trailer = take_line(deadline);
      while (trailer && !trailer->empty()) trailer = take_line(deadline);
      return end_body(trailer.has_value());
    }
  }
  return read_counted(deadline);
}

std::optional<std::string> HttpStream::read_body_some(Duration bound) {
  const Deadline deadline = deadline_in(bound);
  switch (framing_.kind) {
    case Framing::Kind::None:
      return std::nullopt;
    case Framing::Kind::Length:
      return left_ == 0 ? end_body(true) : read_counted(deadline);
    case Framing::Kind::Chunked:
      return read_chunked(deadline);
    case Framing::Kind::UntilClose:
      if (buffer_.empty() && !fill(deadline)) return end_body(true);
      return take(buffer_.size());
  }
  return std::nullopt;
}

std::string HttpStream::read_body(Duration bound) {
  std::string body;
  while (auto piece = read_body_some(bound)) body += *piece;
  return body;
}

ReadResult HttpStream::read_raw(Duration bound) {
  if (buffer_.empty()) return socket_.read(bound);
  return {.kind = ReadResult::Kind::Bytes, .bytes = take(buffer_.size())};
}

bool HttpStream::closed_by_peer(Duration bound) { return socket_.closed_by_peer(bound); }

}  // namespace tako::test
