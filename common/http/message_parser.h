// MessageParser: what request and response parsing share: llhttp, bounds, and the head's fields.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/http/head_scanner.h"
#include "common/http/headers.h"
#include "common/http/message.h"
#include "common/http/parse_step.h"

namespace tako::http {

// The fields that decide where the body ends, checked (RFC 9112 6.1, 6.3).
struct Framing {
  BodyFraming body = BodyFraming::None;
  std::uint64_t content_length = 0;
};

// Pausing llhttp at each event turns its callbacks into steps, so that no caller's code ever runs
// below the parser's frames. For the two parsers of this folder only.
class MessageParser {
 public:
  explicit MessageParser(llhttp_type_t type);
  virtual ~MessageParser() = default;
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  [[nodiscard]] ParseStep next(std::span<const std::byte> input);
  // True before the first byte of a message; blank lines don't count.
  [[nodiscard]] bool is_between_messages() const noexcept;
  [[nodiscard]] bool is_in_body() const noexcept { return phase_ == Phase::Body; }

 protected:
  // The fields are complete: judge them. An error refuses the message.
  [[nodiscard]] virtual std::optional<ParseError> on_head_complete() = 0;
  // llhttp refused the head: which answer is right?
  [[nodiscard]] virtual ParseError describe(llhttp_errno_t error) const;

  // Judges the version; error: the refusal.
  [[nodiscard]] std::optional<ParseError> read_version() const;
  // Judges Transfer-Encoding and Content-Length; error: the refusal.
  [[nodiscard]] std::optional<ParseError> read_framing(Framing& framing) const;

  llhttp_t llhttp_{};
  std::string text_;  // a request's target, a response's reason phrase
  Headers headers_;

 private:
  enum class Phase : std::uint8_t { Head, Body, Failed };

  static const llhttp_settings_t& settings();
  static MessageParser& self_of(llhttp_t* parser) noexcept;
  static int on_text(llhttp_t* parser, const char* at, std::size_t length) noexcept;
  static int on_field(llhttp_t* parser, const char* at, std::size_t length) noexcept;
  static int on_value(llhttp_t* parser, const char* at, std::size_t length) noexcept;
  static int on_value_complete(llhttp_t* parser) noexcept;
  static int on_headers_complete(llhttp_t* parser) noexcept;
  static int on_body(llhttp_t* parser, const char* at, std::size_t length) noexcept;
  static int on_message_complete(llhttp_t* parser) noexcept;

  void begin_message();
  [[nodiscard]] ParseStep read_head(std::span<const std::byte> input);
  [[nodiscard]] ParseStep read_body(std::span<const std::byte> input);
  [[nodiscard]] ParseStep fail(const ParseError& error);

  llhttp_type_t type_;
  Phase phase_ = Phase::Head;
  HeadScanner scanner_;
  std::size_t head_bytes_ = 0;
  std::size_t overhead_bytes_ = 0;  // of framing since the last byte of the body
  std::string field_name_;
  std::string field_value_;
  std::span<const std::byte> piece_;
  std::optional<ParseError> refusal_;  // set inside a callback
  ParseError failure_;
  bool is_headers_complete_ = false;
  bool is_message_complete_ = false;
};

}  // namespace tako::http
