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

}  // namespace
}  // namespace tako::takoctl
