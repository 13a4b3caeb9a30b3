// HTTP heads and bodies, both ways: however the bytes are cut, the parsers see the same messages;
// and what they let pass can't be read in two ways.
//
// Input: a byte that chooses request, response or response to HEAD; a byte for the cuts; the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/check.h"
#include "common/http/request_parser.h"
#include "common/http/response_parser.h"
#include "common/limits.h"

namespace {

namespace http = tako::http;
using Bytes = std::span<const std::byte>;

void check_headers(const http::Headers& headers) {
  TAKO_CHECK(headers.size() <= tako::limits::kHttpHeadersMax);
  for (const http::Header& header : headers) {
    TAKO_CHECK(http::is_token(header.name));
    TAKO_CHECK(http::is_header_value(header.value));
  }
  const bool is_chunked = headers.count("transfer-encoding") > 0;
  TAKO_CHECK(headers.count("content-length") + (is_chunked ? 1 : 0) <= 1);
}

std::string text_of(const http::Headers& headers) {
  std::string text;
  for (const http::Header& header : headers) text += header.name + ": " + header.value + '\n';
  return text;
}

std::string text_of(const http::RequestHead& head) {
  TAKO_CHECK(head.target.size() <= tako::limits::kHttpUrlBytesMax);
  TAKO_CHECK(!head.target.empty());
  TAKO_CHECK(std::ranges::none_of(head.target, [](char c) { return c == ' ' || c == '\n'; }));
  TAKO_CHECK(head.headers.count("host") <= 1);
  TAKO_CHECK(head.version_minor == 0 || head.headers.count("host") == 1);
  TAKO_CHECK(!head.upgrade || head.body == http::BodyFraming::None);
  TAKO_CHECK(head.body != http::BodyFraming::UntilClose);
  check_headers(head.headers);
  return head.method + ' ' + head.target + ' ' + std::to_string(head.version_minor) + ' ' +
         std::string(head.path()) + ' ' + std::string(head.query()) + '\n' + text_of(head.headers);
}

std::string text_of(const http::ResponseHead& head) {
  TAKO_CHECK(head.status >= 100 && head.status <= 599);
  check_headers(head.headers);
  return std::to_string(head.status) + ' ' + head.reason + '\n' + text_of(head.headers);
}

// What one kind of parser makes of a stream.
template <typename Parser>
class Run {
 public:
  explicit Run(Parser& parser) : parser_(parser) {}

  // False when nothing more is to be fed.
  bool feed(Bytes input) {
    while (!is_over_) {
      const http::ParseStep step = parser_.next(input);
      TAKO_CHECK(step.consumed <= input.size());
      note(step, input);
      if (step.event == http::ParseEvent::Failed) {
        TAKO_CHECK(parser_.next(input).event == http::ParseEvent::Failed);
      }
      if (step.event == http::ParseEvent::NeedMore) {
        TAKO_CHECK(step.consumed == input.size());
        break;
      }
      // Without input only the end of a message without a body can still come.
      TAKO_CHECK(step.consumed > 0 || step.event != http::ParseEvent::Body);
      input = input.subspan(step.consumed);
    }
    return !is_over_;
  }

  void end() {
    if constexpr (requires { parser_.finish(); }) {
      if (!is_over_) note(parser_.finish(), {});
    }
  }

  [[nodiscard]] const std::string& log() const { return log_; }

 private:
  void note(const http::ParseStep& step, Bytes input) {
    switch (step.event) {
      case http::ParseEvent::NeedMore:
        break;
      case http::ParseEvent::Head:
        note_head();
        break;
      case http::ParseEvent::Body:
        TAKO_CHECK(step.body.data() >= input.data());
        TAKO_CHECK(step.body.data() + step.body.size() <= input.data() + step.consumed);
        log_.append(reinterpret_cast<const char*>(step.body.data()), step.body.size());
        body_bytes_ += step.body.size();
        break;
      case http::ParseEvent::End:
        if (framing_ == http::BodyFraming::Length) TAKO_CHECK(body_bytes_ == content_length_);
        if (framing_ == http::BodyFraming::None) TAKO_CHECK(body_bytes_ == 0);
        log_ += "\nEND\n";
        is_over_ = is_last_;
        break;
      case http::ParseEvent::Failed:
        TAKO_CHECK(!step.error.reason.empty());
        TAKO_CHECK(step.error.status >= 400 && step.error.status <= 599);
        log_ += "\nFAILED " + std::string(step.error.reason) + '\n';
        is_over_ = true;
        break;
    }
  }

  void note_head() {
    const auto head = parser_.take_head();
    log_ += "HEAD " + text_of(head) + '\n';
    framing_ = head.body;
    content_length_ = head.content_length;
    body_bytes_ = 0;
    if constexpr (requires { head.upgrade; }) {
      is_last_ = head.upgrade;
    } else {
      is_last_ = !head.is_interim();
    }
  }

  Parser& parser_;
  std::string log_;
  http::BodyFraming framing_ = http::BodyFraming::None;
  std::uint64_t content_length_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool is_last_ = false;
  bool is_over_ = false;
};

// Feeds pieces of `size` bytes, each in memory of its own, so that a read beyond it is seen.
template <typename MakeParser>
std::string run(MakeParser make_parser, Bytes bytes, std::size_t size) {
  auto parser = make_parser();
  Run<std::remove_reference_t<decltype(*parser)>> run(*parser);
  while (!bytes.empty()) {
    const Bytes first = bytes.first(std::min(size, bytes.size()));
    const std::vector<std::byte> piece(first.begin(), first.end());
    if (!run.feed(piece)) break;
    bytes = bytes.subspan(first.size());
  }
  run.end();
  return run.log();
}

template <typename MakeParser>
void check_cuts(MakeParser make_parser, Bytes bytes, std::size_t cut) {
  const std::string whole = run(make_parser, bytes, std::max<std::size_t>(bytes.size(), 1));
  TAKO_CHECK(run(make_parser, bytes, 1) == whole);
  TAKO_CHECK(run(make_parser, bytes, cut) == whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(2);
  const std::size_t cut = 2 + data[1];
  const std::uint8_t kind = data[0] % 3;
  if (kind == 0) {
    check_cuts([] { return std::make_unique<http::RequestParser>(); }, bytes, cut);
  } else {
    const bool to_head = kind == 2;
    check_cuts([to_head] { return std::make_unique<http::ResponseParser>(to_head); }, bytes, cut);
  }
  return 0;
}
