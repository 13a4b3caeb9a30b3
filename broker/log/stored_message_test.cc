// A stored message and the generated Record agree on every field.
#include "broker/log/stored_message.h"

#include <doctest/doctest.h>

#include "proto/record.pb.h"

namespace tako::broker {
namespace {

TEST_CASE("record() is what the generated code prints and parses") {
  const MessageDraft draft{.type = "chat",
                           .data = R"({"text":"hi"})",
                           .encoding = Encoding::Text,
                           .subject = "ann",
                           .connection = "edge-7",
                           .message_id = "key-1",
                           .extras = {{"a", "1"}, {"b", std::string(300, 'x')}}};
  const StoredMessage message(draft, {300, make_epoch(0x12345)}, 1'700'000'000'123, 2);
  proto::Record record;
  REQUIRE(record.ParseFromString(std::string(message.record())));
  CHECK(record.offset() == 300);
  CHECK(record.epoch() == 0x12345);
  CHECK(record.time_ms() == 1'700'000'000'123);
  CHECK(record.type() == "chat");
  CHECK(record.data() == R"({"text":"hi"})");
  CHECK(record.encoding() == proto::ENCODING_TEXT);
  CHECK(record.subject() == "ann");
  CHECK(record.connection() == "edge-7");
  CHECK(record.message_id() == "key-1");
  CHECK(record.batch_rest() == 2);
  CHECK(record.extras().at("b") == std::string(300, 'x'));
  CHECK(message.extras() == draft.extras);
  CHECK(record.ByteSizeLong() == message.record().size());
}

TEST_CASE("the accessors are views of the one buffer") {
  const StoredMessage message({.type = "t", .data = std::string(200'000, 'd'), .subject = "s"},
                              {1, make_epoch(1)}, 5, 0);
  CHECK(message.type() == "t");
  CHECK(message.data() == std::string(200'000, 'd'));
  CHECK(message.subject() == "s");
  CHECK(message.connection().empty());
  CHECK(message.message_id().empty());
  CHECK(message.data().data() >= message.record().data());
  CHECK(message.data().data() + message.data().size() <=
        message.record().data() + message.record().size());
  CHECK(message.cost() > message.record().size());
}

TEST_CASE("an ephemeral message has no offset and no epoch in its record") {
  const StoredMessage message({.type = "typing", .data = "{}"}, {}, 5, 0);
  proto::Record record;
  REQUIRE(record.ParseFromString(std::string(message.record())));
  CHECK(record.offset() == 0);
  CHECK(record.epoch() == 0);
  CHECK(record.data() == "{}");
}

}  // namespace
}  // namespace tako::broker
