// A message on the wire: member order, encodings, and data that is never printed anew.
#include "common/message_json.h"

#include <doctest/doctest.h>

#include "common/json_text.h"

namespace tako {
namespace {

std::string printed(const MessageView& message, std::string_view key = {}) {
  std::string out;
  append_message_json(out, message, key);
  CHECK(check_json(out).has_value());
  return out;
}

MessageView stored() {
  MessageView message;
  message.position = {7, Epoch{1}};
  message.channel = "chat";
  message.type = "message";
  message.data = R"({"b":1.0,"a":"\u00e9"})";
  return message;
}

}  // namespace

TEST_CASE("id, channel, type, data, in this order, the data byte for byte") {
  CHECK(printed(stored()) ==
        R"({"id":"7-00000001","channel":"chat","type":"message","data":{"b":1.0,"a":"\u00e9"}})");
}

TEST_CASE("an ephemeral message has no id") {
  MessageView message = stored();
  message.position = {};
  message.data = "null";
  CHECK(printed(message) == R"({"channel":"chat","type":"message","data":null})");
}

TEST_CASE("key, subject and encoding follow the data") {
  MessageView message = stored();
  message.subject = "user \"1\"";
  message.encoding = Encoding::Binary;
  message.data = std::string_view("\0\xFF", 2);
  CHECK(
      printed(message, "chat?roomId=42") ==
      R"({"id":"7-00000001","channel":"chat","type":"message","data":"AP8=","key":"chat?roomId=42",)"
      R"("subject":"user \"1\"","encoding":"base64"})");
}

TEST_CASE("text is data as a JSON string") {
  MessageView message = stored();
  message.encoding = Encoding::Text;
  message.data = "a\n\"b\"";
  CHECK(printed(message) ==
        R"({"id":"7-00000001","channel":"chat","type":"message","data":"a\n\"b\""})");
}

TEST_CASE("names that need escapes get them, and what stands before is kept") {
  MessageView message = stored();
  message.type = "a\"b";
  message.data = "1";
  std::string out = "data: ";
  append_message_json(out, message);
  CHECK(out == R"(data: {"id":"7-00000001","channel":"chat","type":"a\"b","data":1})");
}

}  // namespace tako
