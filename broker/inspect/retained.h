// What of a recovered stream a broker would still give: inside its window and its caps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/log/journal_recovery.h"

namespace tako::broker {

// How many of the stream's oldest messages have left its window or its caps at `now_ms`, though
// their records are still there. The caps of the whole log are the broker's configuration; they are
// not looked at.
[[nodiscard]] std::size_t count_passed(const JournalStream& stream, std::int64_t now_ms);
// How many of its keys still count; they are its newest.
[[nodiscard]] std::size_t count_keys(const JournalStream& stream, std::int64_t now_ms);
// A head without messages and keys that is still remembered.
[[nodiscard]] bool is_remembered(const JournalStream& stream, std::int64_t now_ms);

// `chat?roomId=1` is that channel, `chat` every channel of that name; "" all.
[[nodiscard]] bool is_channel(std::string_view key, std::string_view wanted);

}  // namespace tako::broker
