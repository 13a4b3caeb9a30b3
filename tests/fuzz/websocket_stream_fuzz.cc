// A client's WebSocket bytes: the parser against a plain reading of RFC 6455, at every cut.
//
// Input: a byte for the cuts, a byte that says after how many events the receiver stops, the bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/check.h"
#include "common/utf8.h"
#include "edge/server/websocket_frame.h"
#include "edge/server/websocket_parser.h"

namespace {

using namespace tako::edge;
using Bytes = std::span<const std::byte>;
using Events = std::vector<std::string>;

constexpr FrameLimits kLimits{.message_bytes_max = 1'000, .fragments_max = 4};

class Recorder final : public WebSocketEvents {
 public:
  explicit Recorder(std::size_t stop_after) : stop_after_(stop_after) {}

  bool on_text(std::string_view message) override {
    TAKO_CHECK(tako::is_valid_utf8(message));
    TAKO_CHECK(message.size() <= kLimits.message_bytes_max);
    return note("text ", message);
  }
  bool on_binary(std::string_view message) override {
    TAKO_CHECK(message.size() <= kLimits.message_bytes_max);
    return note("binary ", message);
  }
  bool on_ping(std::string_view payload) override { return note("ping ", payload); }
  bool on_pong(std::string_view payload) override { return note("pong ", payload); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    note("close ", std::to_string(code) + ' ' + std::string(reason));
    is_over_ = true;
  }
  void on_violation(const FrameViolation& violation) override {
    note("violation ", tako::error_info(violation.code).name);
    is_over_ = true;
  }

  [[nodiscard]] const Events& events() const { return events_; }

 private:
  bool note(std::string what, std::string_view text) {
    TAKO_CHECK(!is_over_);  // Nothing follows a close, a violation, or a receiver that said stop.
    events_.push_back(std::move(what) + std::string(text));
    is_over_ = events_.size() == stop_after_;
    return !is_over_;
  }

  std::size_t stop_after_;
  Events events_;
  bool is_over_ = false;
};

Events parse(Bytes bytes, std::size_t cut, std::size_t stop_after) {
  WebSocketParserPool pool(kLimits);
  std::unique_ptr<WebSocketParser> kept;
  Recorder recorder(stop_after);
  while (!bytes.empty()) {
    const Bytes first = bytes.first(std::min(cut, bytes.size()));
    const std::vector<std::byte> piece(first.begin(), first.end());
    if (!pool.feed(kept, piece, recorder)) {
      TAKO_CHECK(kept == nullptr);
      break;
    }
    bytes = bytes.subspan(first.size());
  }
  return recorder.events();
}

// Could more bytes make valid UTF-8 of it?
bool is_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = tako::utf8_sequence(text, at);
    if (length == 0) break;
    at += length;
  }
  if (at == text.size()) return true;
  const std::string rest(text.substr(at));
  if (rest.size() > 3) return false;
  // The ends of every range that a second byte may have (RFC 3629 §4).
  for (const std::string_view second : {"", "\x80", "\x8F", "\x90", "\x9F", "\xA0", "\xBF"}) {
    for (const std::string_view tail : {"", "\x80", "\x80\x80"}) {
      const std::string tried = rest + std::string(second) + std::string(tail);
      if (tako::utf8_sequence(tried, 0) == tried.size()) return true;
    }
  }
  return false;
}

// Reads whole frames the plain way. What an unfinished frame at the end would give is left out.
class PlainReader {
 public:
  explicit PlainReader(std::string_view stream) : rest_(stream) {}

  Events read() {
    while (!is_over_ && read_frame()) {
    }
    return events_;
  }

 private:
  bool read_frame() {
    if (rest_.size() < 2) return false;
    const unsigned first = byte(0);
    const unsigned second = byte(1);
    std::size_t at = 2;
    std::uint64_t length = second & 0x7FU;
    const std::size_t wide = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (const auto broken = judge(first, second)) return violate(*broken);
    if (rest_.size() < at + wide) return false;
    if (wide > 0) length = 0;
    for (std::size_t i = 0; i < wide; ++i) length = length << 8U | byte(at++);
    if (const auto broken = judge_length(first, length, wide)) return violate(*broken);
    if (rest_.size() < at + 4 || rest_.size() - at - 4 < length) return false;
    std::string payload;
    for (std::size_t i = 0; i < length; ++i) {
      payload += static_cast<char>(byte(at + 4 + i) ^ byte(at + i % 4));
    }
    rest_.remove_prefix(at + 4 + static_cast<std::size_t>(length));
    take(first, payload);
    return true;
  }

  [[nodiscard]] unsigned byte(std::size_t at) const {
    return static_cast<unsigned char>(rest_[at]);
  }

  [[nodiscard]] std::optional<std::string_view> judge(unsigned first, unsigned second) const {
    const unsigned opcode = first & 0xFU;
    const bool is_control = opcode >= 8;
    const bool is_known = opcode <= 2 || (is_control && opcode <= 10);
    const bool is_out_of_place = !is_control && (opcode == 0) == (open_ == 0);
    const bool is_long = (second & 0x7FU) > 125;
    const bool is_half_code = opcode == 8 && (second & 0x7FU) == 1;
    if ((first & 0x70U) != 0 || !is_known || is_out_of_place || (second & 0x80U) == 0 ||
        (is_control && ((first & 0x80U) == 0 || is_long || is_half_code))) {
      return "protocol-error";
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string_view> judge_length(unsigned first, std::uint64_t length,
                                                             std::size_t wide) const {
    if ((wide == 2 && length < 126) || (wide == 8 && (length < 65'536 || (length >> 63U) != 0))) {
      return "protocol-error";
    }
    if ((first & 8U) != 0) return std::nullopt;
    const std::size_t before = open_ == 0 ? 0 : message_.size();
    const bool is_large =
        length > kLimits.message_bytes_max || before + length > kLimits.message_bytes_max;
    if (is_large || (open_ != 0 && fragments_ >= kLimits.fragments_max)) return "message-too-big";
    return std::nullopt;
  }

  void take(unsigned first, const std::string& payload) {
    const unsigned opcode = first & 0xFU;
    if (opcode == 9) return note("ping " + payload);
    if (opcode == 10) return note("pong " + payload);
    if (opcode == 8) return take_close(payload);
    if (open_ == 0) {
      open_ = opcode;
      message_.clear();
      fragments_ = 0;
    }
    message_ += payload;
    ++fragments_;
    const bool is_final = (first & 0x80U) != 0;
    const bool is_text = open_ == 1;
    if (is_text && !(is_final ? tako::is_valid_utf8(message_) : is_utf8_prefix(message_))) {
      violate("invalid-utf8");
      return;
    }
    if (!is_final) return;
    open_ = 0;
    note((is_text ? "text " : "binary ") + message_);
  }

  void take_close(std::string_view payload) {
    unsigned code = 0;
    if (!payload.empty()) {
      code = static_cast<unsigned char>(payload[0]) * 256U + static_cast<unsigned char>(payload[1]);
      payload.remove_prefix(2);
      if (!is_valid_close_code(static_cast<std::uint16_t>(code))) {
        violate("protocol-error");
        return;
      }
      if (!tako::is_valid_utf8(payload)) {
        violate("invalid-utf8");
        return;
      }
    }
    note("close " + std::to_string(code) + ' ' + std::string(payload));
    is_over_ = true;
  }

  void note(std::string event) { events_.push_back(std::move(event)); }
  bool violate(std::string_view code) {
    note("violation " + std::string(code));
    is_over_ = true;
    return false;
  }

  std::string_view rest_;
  Events events_;
  unsigned open_ = 0;  // Opcode of the fragmented message that is open.
  std::string message_;
  std::size_t fragments_ = 0;
  bool is_over_ = false;
};

// An unfinished frame may already have broken a rule; nothing else can come of it.
void check_against_plain(const Events& parsed, const Events& plain) {
  TAKO_CHECK(parsed.size() >= plain.size());
  TAKO_CHECK(std::equal(plain.begin(), plain.end(), parsed.begin()));
  TAKO_CHECK(parsed.size() <= plain.size() + 1);
  if (parsed.size() > plain.size()) TAKO_CHECK(parsed.back().starts_with("violation "));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(2);
  constexpr std::size_t kNever = 0;
  const Events whole = parse(bytes, bytes.size() + 1, kNever);
  TAKO_CHECK(parse(bytes, 1, kNever) == whole);
  TAKO_CHECK(parse(bytes, std::size_t{2} + data[0], kNever) == whole);
  check_against_plain(
      whole, PlainReader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).read());
  const std::size_t stop_after = data[1];
  const Events stopped = parse(bytes, bytes.size() + 1, stop_after);
  if (stop_after > 0 && whole.size() >= stop_after) {
    TAKO_CHECK(stopped == Events(whole.begin(), whole.begin() + data[1]));
  }
  return 0;
}
