// What new definitions do to subscriptions that are live.
#include "common/live_change.h"

#include <doctest/doctest.h>

namespace tako {
namespace {

constexpr std::string_view kRoom =
    R"("paramsSchema":{"type":"object","properties":{"roomId":{"type":"string"}}})";

std::shared_ptr<const DefinitionSet> chat_set(std::string_view members) {
  return DefinitionSet::parse(R"({"definitions":[{"name":"chat",)" + std::string(members) + "}]}")
      .value();
}

// How a subscription to chat?roomId=1 that came in under `before` fares under `after`.
LiveChange judged(std::string_view before, std::string_view after, std::string_view room = "1") {
  const auto old_set = chat_set(before);
  const auto new_set = chat_set(after);
  const Definition* old_definition = old_set->find("chat");
  const Params params =
      old_definition->params_schema->check_text({{"roomId", std::string(room)}}).value();
  return judge_live(old_definition, new_set->find("chat"), "chat", params);
}

std::string room_and(std::string_view members) {
  return std::string(kRoom) + ',' + std::string(members);
}

}  // namespace

TEST_CASE("windows, policies and handlers change nothing for a live subscription") {
  CHECK(judged(kRoom, kRoom) == LiveChange::Same);
  CHECK(
      judged(
          kRoom,
          room_and(
              R"("replayWindowMs":5,"slow":"latest","handlers":{"m":"relay"},"transport":"sse")")) ==
      LiveChange::Same);
}

TEST_CASE("a channel that nothing covers any more is removed") {
  const auto before = chat_set(kRoom);
  CHECK(judge_live(before->find("chat"), DefinitionSet::empty()->find("chat"), "chat", {}) ==
        LiveChange::Removed);
}

TEST_CASE("other credentials call for authorization") {
  CHECK(judged(kRoom, room_and(R"("auth":false)")) == LiveChange::AuthChanged);
  CHECK(judged(room_and(R"("auth":false)"), kRoom) == LiveChange::AuthChanged);
  CHECK(judged(kRoom, room_and(R"("auth":{"cookieName":"sid"})")) == LiveChange::AuthChanged);
  CHECK(judged(kRoom, room_and(R"("auth":{"headerName":"Authorization"})")) == LiveChange::Same);
}

TEST_CASE("params that make another channel now change the key") {
  CHECK(judged(kRoom, room_and(R"("contextParams":["roomId"])")) == LiveChange::KeyChanged);
  CHECK(judged(R"("slow":"resume")", kRoom) == LiveChange::KeyChanged);
  CHECK(judged(kRoom,
               R"("paramsSchema":{"type":"object","properties":{"roomId":{"type":"number"}}})",
               "1.0") == LiveChange::KeyChanged);
  CHECK(judged(kRoom,
               R"("paramsSchema":{"type":"object","properties":{"roomId":{"type":"integer"}}})",
               "1") == LiveChange::Same);
}

TEST_CASE("params that the new schema refuses end the subscription") {
  CHECK(judged(kRoom,
               R"("paramsSchema":{"type":"object","properties":{"roomId":{"type":"integer"}}})",
               "x") == LiveChange::ParamsInvalid);
  CHECK(judged(kRoom, R"("paramsSchema":{"type":"object","additionalProperties":false})") ==
        LiveChange::ParamsInvalid);
  CHECK(judged(kRoom, R"("paramsSchema":{"type":"object","required":["tenant"]})") ==
        LiveChange::ParamsInvalid);
}

TEST_CASE("of several changes the one that ends more is told") {
  CHECK(judged(kRoom, R"("auth":false,"contextParams":["roomId"],)" + std::string(kRoom)) ==
        LiveChange::KeyChanged);
  CHECK(judged(kRoom, R"("auth":false,"paramsSchema":{"type":"object","required":["tenant"]})") ==
        LiveChange::ParamsInvalid);
}

TEST_CASE("another definition may cover the channel from now on") {
  const auto before = chat_set(kRoom);
  const auto after =
      DefinitionSet::parse(R"({"definitions":[{"name":"ch*",)" + std::string(kRoom) + "}]}")
          .value();
  CHECK(judge_live(before->find("chat"), after->find("chat"), "chat",
                   {{"roomId", std::string("1")}}) == LiveChange::Same);
}

TEST_CASE("without the old definition only a reconnect is safe") {
  const auto after = chat_set(kRoom);
  CHECK(judge_live(nullptr, after->find("chat"), "chat", {{"roomId", std::string("1")}}) ==
        LiveChange::KeyChanged);
}

}  // namespace tako
