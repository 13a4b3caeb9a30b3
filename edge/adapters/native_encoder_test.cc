// The native wire forms, byte by byte.
#include "edge/adapters/native_encoder.h"

#include <doctest/doctest.h>

#include "edge/session/testing/fake_edge.h"

namespace tako::edge {
namespace {

const ChannelIdentity kChannel{.app = "x", .name = "chat", .key = "chat?id=1", .params_json = "{}"};

Message stored() {
  Message message;
  message.position = {42, Epoch{1}};
  message.type = "message";
  message.data = R"({"a":1})";
  return message;
}

TEST_CASE("WebSocket forms are one text frame; the rich one carries the key behind data") {
  CHECK(testing::text_of_frame(NativeWsEncoder(false).encode(stored(), kChannel).view()) ==
        R"({"id":"42-00000001","channel":"chat","type":"message","data":{"a":1}})");
  CHECK(
      testing::text_of_frame(NativeWsEncoder(true).encode(stored(), kChannel).view()) ==
      R"({"id":"42-00000001","channel":"chat","type":"message","data":{"a":1},"key":"chat?id=1"})");
}

TEST_CASE("event blocks are id, data and a blank line; an ephemeral message has no id") {
  const NativeSseEncoder plain(false);
  CHECK(plain.encode(stored(), kChannel).view() ==
        "id: 42-00000001\ndata: "
        R"({"id":"42-00000001","channel":"chat","type":"message","data":{"a":1}})"
        "\n\n");
  Message ephemeral = stored();
  ephemeral.position = {};
  CHECK(plain.encode(ephemeral, kChannel).view() ==
        "data: "
        R"({"channel":"chat","type":"message","data":{"a":1}})"
        "\n\n");
}

TEST_CASE("a text with line ends stays one data line") {
  Message message = stored();
  message.encoding = Encoding::Text;
  message.data = "a\r\nid: 7\n\nb";
  const SharedBytes block = NativeSseEncoder(false).encode(message, kChannel);
  CHECK(block.view().find(R"("data":"a\r\nid: 7\n\nb")") != std::string_view::npos);
}

TEST_CASE("chunks tell their size in hexadecimal") {
  CHECK(make_sse_block("0123456789abcdef", true).view() == "10\r\n0123456789abcdef\r\n");
}

}  // namespace
}  // namespace tako::edge
