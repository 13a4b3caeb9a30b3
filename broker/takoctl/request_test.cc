// Words of the command line become requests.
#include "broker/takoctl/request.h"

#include <doctest/doctest.h>

namespace tako::takoctl {
namespace {

TEST_CASE("a channel and its params become a target") {
  CHECK(channel_target({.name = "feed", .params = {}}, "messages") == "/v1/channels/feed/messages");
  CHECK(channel_target({.name = "a/b c", .params = {"x=1&2", "y="}}, "stream") ==
        "/v1/channels/a%2Fb%20c/stream?x=1%262&y=");
  CHECK_FALSE(channel_target({.name = "feed", .params = {"x"}}, "messages").has_value());
  CHECK_FALSE(channel_target({.name = "feed", .params = {"=1"}}, "messages").has_value());
}

TEST_CASE("data goes as JSON, as text or as base64") {
  CHECK(publish_body({.type = "t", .data = R"({"a": 1})"}) == R"({"type":"t","data":{"a": 1}})");
  CHECK(publish_body({.type = "t", .data = "say \"hi\"", .form = DataForm::Text}) ==
        R"({"type":"t","data":"say \"hi\""})");
  CHECK(publish_body({.type = "t", .data = "AA==", .form = DataForm::Base64}) ==
        R"({"type":"t","data":"AA==","encoding":"base64"})");
  CHECK(publish_body({.type = "t", .data = "1", .is_ephemeral = true}) ==
        R"({"type":"t","data":1,"ephemeral":true})");
}

TEST_CASE("data that is no JSON is refused with the way out") {
  const auto body = publish_body({.type = "t", .data = "hello"});
  REQUIRE_FALSE(body.has_value());
  CHECK(body.error().find("--text") != std::string::npos);
}

TEST_CASE("what is to be taken back becomes a call") {
  CHECK(disconnect_target({.subject = "ann/1"}) == "/v1/subjects/ann%2F1/disconnect");
  CHECK(disconnect_body({.subject = "ann"}) == "{}");
  DisconnectWords words{.subject = "ann",
                        .channel = {.name = "chat", .params = {"roomId=4 2"}},
                        .ban = "10m",
                        .reason = "spam"};
  CHECK(disconnect_body(words) ==
        R"({"channel":"chat","params":"roomId=4%202","banMs":600000,"reason":"spam"})");
  words = {.subject = "ann", .reauthorizes = true};
  CHECK(disconnect_body(words) == R"({"reauthorize":true})");
  for (const auto& [ban, ms] : {std::pair{"0", "0"},
                                {"1500", "1500"},
                                {"90s", "90000"},
                                {"2h", "7200000"},
                                {"1d", "86400000"}}) {
    CHECK(disconnect_body({.subject = "ann", .ban = ban}) ==
          R"({"banMs":)" + std::string(ms) + "}");
  }
  for (const char* ban : {"soon", "-1", "5x", "5mm", "99999999999999999999s"}) {
    CHECK_FALSE(disconnect_body({.subject = "ann", .ban = ban}).has_value());
  }
  CHECK_FALSE(
      disconnect_body({.subject = "ann", .channel = {.name = {}, .params = {"a=1"}}}).has_value());
}

}  // namespace
}  // namespace tako::takoctl
