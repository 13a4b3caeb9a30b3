// The control frames of the rich dialect: {"type":"tako.<x>","data":{…},"key"?}.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/error.h"
#include "common/shared_bytes.h"
#include "edge/fanout/presence_subscriber.h"
#include "edge/fanout/subscriber.h"

namespace tako::edge::rich {

// What a subscription begins with, for tako.ready.
struct Ready {
  const Start& start;
  std::string_view subject;  // empty: anonymous
  // What will be told of presence; nullopt: the client did not ask.
  std::optional<PresenceWish> presence = {};
};

// `ref`: a JSON scalar as the client sent it, or empty; `key`: of the subscription, or empty.
[[nodiscard]] SharedBytes ready(const Ready& ready, std::string_view ref, std::string_view key);
[[nodiscard]] SharedBytes gap(const Gap& gap, std::string_view key);
// `id` is null for what has none: an ephemeral message, an unsubscribe.
[[nodiscard]] SharedBytes ack(std::string_view ref, const Position& id, std::string_view key);
[[nodiscard]] SharedBytes error(const Error& error, std::string_view ref, std::string_view key);
// Wall ms by which the client should have sent a new credential.
[[nodiscard]] SharedBytes reauth(std::int64_t before_ms, std::string_view key);
[[nodiscard]] SharedBytes drain(std::int64_t retry_ms);

}  // namespace tako::edge::rich
