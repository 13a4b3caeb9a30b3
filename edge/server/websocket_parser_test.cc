// WebSocketParser: every cut gives the same events, and nothing that RFC 6455 forbids passes.
#include "edge/server/websocket_parser.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "edge/server/websocket_frame.h"

namespace tako::edge {
namespace {

struct Recorder final : WebSocketEvents {
  bool on_text(std::string_view message) override { return note("text:", message); }
  bool on_binary(std::string_view message) override { return note("binary:", message); }
  bool on_ping(std::string_view payload) override { return note("ping:", payload); }
  bool on_pong(std::string_view payload) override { return note("pong:", payload); }
  void on_close(std::uint16_t code, std::string_view reason) override {
    note("close:", std::to_string(code) + ":" + std::string(reason));
  }
  void on_violation(const FrameViolation& violation) override {
    note("violation:", std::to_string(error_info(violation.code).close_code));
  }
  bool note(std::string what, std::string_view text) {
    events.push_back(std::move(what) + std::string(text));
    return events.size() != stop_after;
  }

  std::vector<std::string> events;
  std::size_t stop_after = 0;
};

// A client's frame, in the shortest length form.
std::string frame(unsigned first, std::string_view payload, bool is_masked = true) {
  std::string out(1, static_cast<char>(first));
  const unsigned mask_bit = is_masked ? 0x80U : 0U;
  const std::size_t size = payload.size();
  const std::size_t length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  const std::size_t announced = length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127;
  out += static_cast<char>(mask_bit | announced);
  for (std::size_t i = length_bytes; i > 0; --i) out += static_cast<char>(size >> (8 * (i - 1)));
  const std::string mask = is_masked ? "\x12\x34\xA5\xFF" : "";
  out += mask;
  for (std::size_t i = 0; i < size; ++i) {
    out += static_cast<char>(is_masked ? payload[i] ^ mask[i % 4] : payload[i]);
  }
  return out;
}

constexpr FrameLimits kLimits{.message_bytes_max = 100'000, .fragments_max = 5};

// Feeds in pieces of `step` bytes (0: whole) through a pool, as a connection does.
std::vector<std::string> parse(std::string_view bytes, std::size_t step = 0) {
  WebSocketParserPool pool(kLimits);
  std::unique_ptr<WebSocketParser> kept;
  Recorder recorder;
  std::span<const std::byte> rest = std::as_bytes(std::span(bytes));
  while (!rest.empty()) {
    const std::size_t size = step == 0 ? rest.size() : std::min(step, rest.size());
    if (!pool.feed(kept, rest.first(size), recorder)) {
      CHECK(kept == nullptr);
      break;
    }
    rest = rest.subspan(size);
  }
  return recorder.events;
}

using Events = std::vector<std::string>;

void check_all_cuts(std::string_view bytes, const Events& expected) {
  for (const std::size_t step : {0, 1, 2, 3, 5, 7, 64}) {
    CAPTURE(step);
    CHECK(parse(bytes, step) == expected);
  }
}

}  // namespace

TEST_CASE("text, binary and control frames come as events, however the bytes are cut") {
  check_all_cuts(frame(0x81, "hello") + frame(0x82, std::string("\0\xFF", 2)) + frame(0x89, "x") +
                     frame(0x8A, "") + frame(0x81, "") +
                     frame(0x88,
                           "\x03\xE8"
                           "bye"),
                 {"text:hello", std::string("binary:\0\xFF", 9), "ping:x",
                  "pong:", "text:", "close:1000:bye"});
}

TEST_CASE("all three length forms are read") {
  for (const std::size_t size : {125U, 126U, 127U, 65'535U, 65'536U, 100'000U}) {
    CAPTURE(size);
    const std::string text(size, 'a');
    CHECK(parse(frame(0x81, text)) == Events{"text:" + text});
    CHECK(parse(frame(0x81, text), 1'000) == Events{"text:" + text});
  }
}

TEST_CASE("fragments are joined, control frames between them come at once") {
  check_all_cuts(frame(0x01, "ab") + frame(0x89, "p") + frame(0x00, "") + frame(0x80, "cd"),
                 {"ping:p", "text:abcd"});
  check_all_cuts(frame(0x02, "") + frame(0x80, ""), {"binary:"});
}

TEST_CASE("characters may be split over fragments") {
  check_all_cuts(frame(0x01, "\xE2\x82") + frame(0x80, "\xAC"), {"text:\xE2\x82\xAC"});
}

TEST_CASE("headers that break a rule are a protocol error") {
  const Events violation{"violation:1002"};
  const std::string open = frame(0x01, "a");
  const struct {
    const char* name;
    std::string bytes;
  } cases[] = {
      {"RSV1", frame(0xC1, "a")},
      {"RSV2", frame(0xA1, "a")},
      {"RSV3", frame(0x91, "a")},
      {"RSV1 on a ping", frame(0xC9, "")},
      {"reserved data opcode 3", frame(0x83, "")},
      {"reserved data opcode 7", frame(0x87, "")},
      {"reserved control opcode 11", frame(0x8B, "")},
      {"reserved control opcode 15", frame(0x8F, "")},
      {"unmasked text", frame(0x81, "a", false)},
      {"unmasked empty ping", frame(0x89, "", false)},
      {"fragmented ping", frame(0x09, "a")},
      {"fragmented close", frame(0x08, "")},
      {"continuation without a message", frame(0x80, "a")},
      {"continuation after a whole message", frame(0x00, "a")},
      {"text inside a fragmented message", open + frame(0x81, "b")},
      {"binary inside a fragmented message", open + frame(0x02, "b")},
      {"RSV on a continuation", open + frame(0xC0, "b")},
      {"ping of 126 bytes", frame(0x89, std::string(126, 'p'))},
      {"close of one byte", frame(0x88, "x")},
      {"length 5 in two bytes", std::string("\x81\xFE\0\x05\1\2\3\4hello", 13)},
      {"length 5 in eight bytes", std::string("\x81\xFF\0\0\0\0\0\0\0\x05\1\2\3\4hello", 19)},
      {"length 65535 in eight bytes", std::string("\x81\xFF\0\0\0\0\0\0\xFF\xFF\1\2\3\4", 14)},
      {"length with its highest bit", std::string("\x81\xFF\x80\0\0\0\0\0\0\0\1\2\3\4", 14)},
  };
  for (const auto& test : cases) {
    CAPTURE(test.name);
    check_all_cuts(test.bytes + frame(0x81, "never"), violation);
  }
}

TEST_CASE("a rule broken by the first byte is told at the first byte") {
  CHECK(parse("\xF1") == Events{"violation:1002"});
  CHECK(parse(std::string("\x81\x00", 2)) == Events{"violation:1002"});
}

TEST_CASE("close codes are judged by the registry, not by wslay's older list") {
  const auto close = [](unsigned code) {
    return frame(0x88, std::string{static_cast<char>(code >> 8U), static_cast<char>(code)});
  };
  for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1011U, 1012U, 1013U, 1014U, 3000U,
                              3999U, 4000U, 4999U}) {
    CAPTURE(code);
    check_all_cuts(close(code), {"close:" + std::to_string(code) + ":"});
  }
  for (const unsigned code :
       {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U, 5000U, 65'535U}) {
    CAPTURE(code);
    check_all_cuts(close(code), {"violation:1002"});
  }
  check_all_cuts(frame(0x88, ""), {"close:0:"});
}

TEST_CASE("a close reason must be UTF-8, in pieces too") {
  check_all_cuts(frame(0x88, "\x03\xE8\xC3\xA4"), {"close:1000:\xC3\xA4"});
  check_all_cuts(frame(0x88, "\x03\xE8\xC3\x28"), {"violation:1007"});
  check_all_cuts(frame(0x88, "\x03\xE8\xE2\x82"), {"violation:1007"});
}

TEST_CASE("text must be UTF-8, binary need not") {
  for (const char* text : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    CAPTURE(text);
    check_all_cuts(frame(0x81, text), {"violation:1007"});
    check_all_cuts(frame(0x82, text), {"binary:" + std::string(text)});
    check_all_cuts(frame(0x01, text) + frame(0x80, ""), {"violation:1007"});
  }
}

TEST_CASE("bad UTF-8 is told before the frame is whole") {
  const std::string bytes = frame(0x81, "good \xFF" + std::string(1'000, 'a'));
  CHECK(parse(std::string_view(bytes).substr(0, 8 + 6)) == Events{"violation:1007"});
}

TEST_CASE("a message over its limit is refused by what its header announces") {
  const std::string header("\x82\xFF\0\0\0\0\x40\0\0\0\1\2\3\4", 14);  // 1 GiB
  CHECK(parse(header) == Events{"violation:1009"});
  CHECK(parse(frame(0x82, std::string(100'001, 'a')), 1'000) == Events{"violation:1009"});
  check_all_cuts(frame(0x02, std::string(60'000, 'a')) + frame(0x00, std::string(40'001, 'a')),
                 {"violation:1009"});
  CHECK(parse(frame(0x02, std::string(60'000, 'a')) + frame(0x80, std::string(40'000, 'a'))) ==
        Events{"binary:" + std::string(100'000, 'a')});
}

TEST_CASE("a message of too many fragments is refused, even of empty ones") {
  std::string bytes = frame(0x01, "");
  for (int i = 0; i < 3; ++i) bytes += frame(0x00, "");
  CHECK(parse(bytes + frame(0x80, "")) == Events{"text:"});
  CHECK(parse(bytes + frame(0x00, "") + frame(0x80, "")) == Events{"violation:1009"});
  // The count begins anew with each message.
  CHECK(parse(bytes + frame(0x80, "") + bytes + frame(0x80, "")) == Events{"text:", "text:"});
}

TEST_CASE("nothing is read behind a close frame or once the receiver has enough") {
  CHECK(parse(frame(0x88, "") + frame(0x81, "late")) == Events{"close:0:"});
  WebSocketParserPool pool(kLimits);
  std::unique_ptr<WebSocketParser> kept;
  Recorder recorder;
  recorder.stop_after = 2;
  const std::string bytes = frame(0x81, "1") + frame(0x81, "2") + frame(0x81, "3");
  CHECK_FALSE(pool.feed(kept, std::as_bytes(std::span(bytes)), recorder));
  CHECK(recorder.events == Events{"text:1", "text:2"});
}

TEST_CASE("a connection keeps a parser only while a frame or a message is incomplete") {
  WebSocketParserPool pool(kLimits);
  std::unique_ptr<WebSocketParser> kept;
  Recorder recorder;
  const auto feed = [&](std::string_view bytes) {
    REQUIRE(pool.feed(kept, std::as_bytes(std::span(bytes)), recorder));
  };
  const std::string text = frame(0x81, "hello");
  feed(text);
  CHECK(kept == nullptr);
  feed(std::string_view(text).substr(0, 1));
  CHECK(kept != nullptr);
  feed(std::string_view(text).substr(1));
  CHECK(kept == nullptr);
  feed(frame(0x01, "open"));
  CHECK(kept != nullptr);
  feed(frame(0x80, "!"));
  CHECK(kept == nullptr);
  CHECK(recorder.events == Events{"text:hello", "text:hello", "text:open!"});
}

TEST_CASE("at every byte another parser can go on from what this one has kept") {
  const std::string bytes = frame(0x81, "whole") + frame(0x01, "frag") + frame(0x89, "between") +
                            frame(0x00, std::string(300, 'm')) + frame(0x8A, "") +
                            frame(0x80, "ents \xE2\x82\xAC") +
                            frame(0x82, std::string(70'000, 'b')) + frame(0x89, "last");
  const Events expected = parse(bytes);
  REQUIRE(expected.size() == 6);
  for (std::size_t at = 0; at <= bytes.size();
       at += at > 800 && at + 100 < bytes.size() ? 997 : 1) {
    CAPTURE(at);
    const auto all = std::as_bytes(std::span(bytes));
    Recorder recorder;
    WebSocketParser before(kLimits);
    REQUIRE(before.feed(all.first(at), recorder));
    CHECK(before.unparsed().empty() == before.is_at_boundary());
    WebSocketParser behind(kLimits);
    const std::string kept(before.unparsed());
    const std::size_t told = recorder.events.size();
    REQUIRE(behind.feed(std::as_bytes(std::span(kept)), recorder));
    CHECK(recorder.events.size() == told);  // What was answered is not answered again.
    CHECK(behind.unparsed() == kept);
    REQUIRE(behind.feed(all.subspan(at), recorder));
    CHECK(recorder.events == expected);
  }
}

TEST_CASE("many connections share parsers and never see each other's bytes") {
  std::mt19937 random(20);
  WebSocketParserPool pool(kLimits);
  struct Connection {
    std::unique_ptr<WebSocketParser> kept;
    std::string input;
    std::size_t fed = 0;
    Recorder recorder;
    Events expected;
  };
  std::vector<Connection> connections(50);
  for (std::size_t c = 0; c < connections.size(); ++c) {
    for (int m = 0; m < 40; ++m) {
      std::string text = std::to_string(c) + "/" + std::to_string(m);
      text.append(random() % 200, 'x');
      const std::size_t cut = random() % text.size();
      connections[c].input += frame(0x01, text.substr(0, cut)) + frame(0x89, "p");
      connections[c].input += frame(0x80, text.substr(cut));
      connections[c].expected.emplace_back("ping:p");
      connections[c].expected.push_back("text:" + text);
    }
  }
  for (bool is_busy = true; is_busy;) {
    is_busy = false;
    for (Connection& one : connections) {
      const std::string_view rest = std::string_view(one.input).substr(one.fed);
      const std::string_view piece = rest.substr(0, random() % 300);
      REQUIRE(pool.feed(one.kept, std::as_bytes(std::span(piece)), one.recorder));
      one.fed += piece.size();
      is_busy = is_busy || one.fed < one.input.size();
    }
  }
  for (const Connection& one : connections) {
    CHECK(one.recorder.events == one.expected);
    CHECK(one.kept == nullptr);
  }
}

TEST_CASE("frames of our own: close, pong, ping") {
  CHECK(make_close_frame(1012, "restarting").view() == "\x88\x0C\x03\xF4restarting");
  CHECK(make_close_frame(0, "").view() == std::string_view("\x88\0", 2));
  CHECK(make_pong_frame("x").view() == "\x8A\x01x");
  CHECK(make_ping_frame().view() == std::string_view("\x89\0", 2));
  // 61 characters of two bytes are 122; the 62nd would not fit whole.
  std::string reason;
  for (int i = 0; i < 70; ++i) reason += "\xC3\xA4";
  CHECK(make_close_frame(4422, reason).view().substr(4) == std::string_view(reason).substr(0, 122));
}

}  // namespace tako::edge
