// Rewind: where a subscription without a cursor starts, if not now.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/result.h"

namespace tako::edge {

// At the oldest retained message if that is less. Neither: now.
struct Rewind {
  std::int64_t messages = 0;  // the newest so many
  std::int64_t ms = 0;        // or all that are as young as that

  [[nodiscard]] bool is_now() const { return messages == 0 && ms == 0; }
};

// A number of messages (`50`), or a time (`90s`, `5m`, `2h`). Errors: MessageMalformed, with what
// to write.
[[nodiscard]] Result<Rewind> parse_rewind(std::string_view text);

}  // namespace tako::edge
