// WebSocketParser: bytes of a client become messages and control frames, strictly (RFC 6455); and
// the pool that lends parsers out, so that an idle connection holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "edge/server/frame_scanner.h"

struct wslay_event_context;

namespace tako::edge {

// What the bytes say. Views are valid during the call. Those that return bool say whether to go on:
// false leaves the rest of the bytes unread. The parser must outlive the call, so a receiver that
// wants to be gone says false and goes at the end of the loop turn.
class WebSocketEvents {
 public:
  virtual bool on_text(std::string_view message) = 0;  // Valid UTF-8.
  virtual bool on_binary(std::string_view message) = 0;
  virtual bool on_ping(std::string_view payload) = 0;
  virtual bool on_pong(std::string_view payload) = 0;
  // The client's close frame; `code` 0: without one. Nothing follows.
  virtual void on_close(std::uint16_t code, std::string_view reason) = 0;
  // The client broke a rule. Nothing follows.
  virtual void on_violation(const FrameViolation& violation) = 0;

 protected:
  ~WebSocketEvents() = default;
};

//   bytes ─▶ FrameScanner ─ control frame ─▶ collected and unmasked here (≤ 125 bytes)
//                 └──────── data frame ────▶ wslay: unmasks, assembles, checks UTF-8 as it comes
//
// Control frames pass wslay by: it would queue answers of its own, and skips bytes of a close
// reason that arrives in pieces.
class WebSocketParser {
 public:
  explicit WebSocketParser(const FrameLimits& limits);
  ~WebSocketParser();
  WebSocketParser(const WebSocketParser&) = delete;
  WebSocketParser& operator=(const WebSocketParser&) = delete;

  // False when the parser is of no more use: a close frame, a violation, or the receiver said so.
  [[nodiscard]] bool feed(std::span<const std::byte> bytes, WebSocketEvents& events);
  // Nothing of a frame or a message is kept: another connection may use this parser.
  [[nodiscard]] bool is_at_boundary() const noexcept {
    return payload_left_ == 0 && scanner_.is_at_boundary();
  }
  // The bytes fed since the last boundary, without control frames that were answered already: fed
  // to a fresh parser, they bring it to where this one is. Empty at a boundary.
  [[nodiscard]] std::string_view unparsed() const noexcept { return unparsed_; }

 private:
  struct FreeContext {
    void operator()(wslay_event_context* context) const noexcept;
  };
  struct Callbacks;  // wslay's, static.

  void remember(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t read_header(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t read_payload(std::span<const std::byte> bytes);
  void end_control_frame();
  void end_close_frame(std::string_view payload);
  void feed_wslay(std::span<const std::byte> bytes);
  void violate(const FrameViolation& violation);
  void deliver(Opcode opcode, std::string_view message) noexcept;

  FrameScanner scanner_;
  std::unique_ptr<wslay_event_context, FreeContext> context_;
  std::span<const std::byte> wslay_input_;
  WebSocketEvents* events_ = nullptr;  // During feed().
  std::uint64_t payload_left_ = 0;
  std::string unparsed_;
  std::size_t frame_begin_ = 0;  // where in unparsed_ the current frame begins
  std::string control_;          // Payload of the current control frame so far, unmasked.
  bool is_stopped_ = false;
};

// Lends parsers to the connections of one loop. Nearly all input ends at a frame's end, so that one
// parser (8.8 KB in wslay) serves nearly all connections; only who is cut inside keeps one.
class WebSocketParserPool {
 public:
  explicit WebSocketParserPool(const FrameLimits& limits) noexcept : limits_(limits) {}

  // Parses `bytes` for a connection that keeps `kept` from call to call (null while idle). False:
  // as WebSocketParser::feed(); then `kept` is null.
  [[nodiscard]] bool feed(std::unique_ptr<WebSocketParser>& kept, std::span<const std::byte> bytes,
                          WebSocketEvents& events);

 private:
  FrameLimits limits_;
  std::unique_ptr<WebSocketParser> spare_;
};

}  // namespace tako::edge
