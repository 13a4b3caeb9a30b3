// RFC 6455 8.1: text is UTF-8, judged as it arrives.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/conformance/peer.h"

using namespace tako::test;

namespace {

// Of every length, at the ends of every range (RFC 3629), and the famous samples.
const std::vector<std::string> kValid = {
    "plain",
    "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    "\x7f",
    "\xc2\x80",
    "\xdf\xbf",
    "\xe0\xa0\x80",
    "\xed\x9f\xbf",
    "\xee\x80\x80",
    "\xef\xbf\xbd",
    "\xef\xbf\xbe",
    "\xef\xbf\xbf",
    "\xf0\x90\x80\x80",
    "\xf4\x8f\xbf\xbd",
    "\xf4\x8f\xbf\xbe",
    "\xf4\x8f\xbf\xbf",
    "\xf0\x9f\x90\x99",
    "\xf0\x9f\xbf\xbe",
};

const std::vector<std::string> kInvalid = {
    "\x80",
    "\xbf",
    "\x80\xbf",
    "\x80\xbf\x80",
    "\x80\xbf\x80\xbf",  // lone continuations
    "\xc0 ",
    "\xc1 ",
    "\xdf ",
    "\xe0 ",
    "\xef ",
    "\xf0 ",
    "\xf4 ",  // leads without a tail
    "\xf5 ",
    "\xf8 ",
    "\xfc ",
    "\xfe",
    "\xff",
    "\xfe\xfe\xff\xff",  // bytes that never occur
    "\xc0\xaf",
    "\xe0\x80\xaf",
    "\xf0\x80\x80\xaf",
    "\xf8\x80\x80\x80\xaf",  // overlong slash
    "\xfc\x80\x80\x80\x80\xaf",
    "\xc1\xbf",
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf",  // overlong ends
    "\xf8\x87\xbf\xbf\xbf",
    "\xfc\x83\xbf\xbf\xbf\xbf",
    "\xc0\x80",
    "\xe0\x80\x80",
    "\xf0\x80\x80\x80",  // overlong nul
    "\xed\xa0\x80",
    "\xed\xad\xbf",
    "\xed\xae\x80",
    "\xed\xaf\xbf",  // surrogates
    "\xed\xb0\x80",
    "\xed\xbe\x80",
    "\xed\xbf\xbf",
    "\xed\xa0\x80\xed\xb0\x80",
    "\xed\xaf\xbf\xed\xbf\xbf",
    "\xf4\x90\x80\x80",
    "\xf7\xbf\xbf\xbf",
    "\xf5\x80\x80\x80",  // above U+10FFFF
    "\xfb\xbf\xbf\xbf\xbf",
    "\xfd\xbf\xbf\xbf\xbf\xbf",
    "\xe2\x82 ",
    "\xf0\x9f\x90 ",  // cut in the middle
};

std::string hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : text) {
    out += kDigits[static_cast<unsigned char>(byte) >> 4U];
    out += kDigits[static_cast<unsigned char>(byte) & 15U];
  }
  return out;
}

}  // namespace

TEST_CASE("8.1: valid UTF-8 comes back byte for byte, whole, chopped and fragmented anywhere") {
  const EchoPeer peer;
  for (const std::string& text : kValid) {
    WsClient whole = peer.connect();
    whole.send_text(envelope(text));
    expect_echo(hex(text), whole, text);
    WsClient chopped = peer.connect();
    send_chopped(chopped, encode_frame({.payload = envelope(text)}), 1);
    expect_echo(hex(text) + " byte by byte", chopped, text);
    WsClient fragmented = peer.connect();
    const std::string message = envelope(text);
    fragmented.send({.fin = false});
    for (const char byte : message) {
      fragmented.send({.fin = false, .opcode = kWsContinuation, .payload = {byte}});
    }
    fragmented.send({.opcode = kWsContinuation});
    expect_echo(hex(text) + " a byte in each fragment", fragmented, text);
  }
}

TEST_CASE("8.1: invalid UTF-8 is 1007, whole, chopped and fragmented") {
  const EchoPeer peer;
  for (const std::string& text : kInvalid) {
    const std::string message = envelope("before " + text + " after");
    WsClient whole = peer.connect();
    whole.send_text(message);
    expect_close(hex(text), whole, 1007);
    WsClient fragmented = peer.connect();
    std::string bytes = encode_frame({.fin = false});
    for (const char byte : message) {
      bytes += encode_frame({.fin = false, .opcode = kWsContinuation, .payload = {byte}});
    }
    fragmented.send_raw(bytes + encode_frame({.opcode = kWsContinuation}));
    expect_close(hex(text) + " a byte in each fragment", fragmented, 1007);
  }
}

TEST_CASE("8.1: invalid UTF-8 fails at the first impossible byte, before the message is whole") {
  const EchoPeer peer;
  for (const std::string text : {"\xf4\x90", "\xed\xa0", "\xc0", "\xff", "\xe0\x80", "\xf0\x80"}) {
    WsClient fragment = peer.connect();
    fragment.send({.fin = false, .payload = envelope("").substr(0, 20) + text});
    expect_close("first fragment with " + hex(text), fragment, 1007);
    WsClient frame = peer.connect();
    const std::string begun =
        encode_frame({.payload = R"({"type":"m","data":")" + text + std::string(1'000, 'x')});
    frame.send_raw(std::string_view(begun).substr(0, 40));  // The rest of the frame never comes.
    expect_close("first bytes of a frame with " + hex(text), frame, 1007);
  }
}

TEST_CASE("8.1: a code point cut off by the end of the message is 1007") {
  const EchoPeer peer;
  for (const std::string text : {"\xc2", "\xe2\x82", "\xf0\x9f\x90"}) {
    WsClient client = peer.connect();
    client.send_text(R"({"type":"m","data":")" + text);
    expect_close("ends in " + hex(text), client, 1007);
    WsClient fragmented = peer.connect();
    fragmented.send({.fin = false, .payload = "{" + text});
    fragmented.send({.opcode = kWsContinuation});
    expect_close("fragments end in " + hex(text), fragmented, 1007);
  }
  MESSAGE("cases judged so far: " << EchoPeer::cases());
}
