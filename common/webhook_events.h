// WebhookEvents: which happenings on a definition's channels its app is told of.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace tako {

struct WebhookEvents {
  bool channel_occupied = false;
  bool channel_vacated = false;
  bool member_entered = false;
  bool member_left = false;

  [[nodiscard]] bool any() const {
    return channel_occupied || channel_vacated || member_entered || member_left;
  }
  friend bool operator==(const WebhookEvents&, const WebhookEvents&) = default;
};

// `raw`: false, true (all), or a list of `channel-occupied`, `channel-vacated`, `member-entered`,
// `member-left`. Errors: DefinitionInvalid. `skips_unknown`: for what a newer version wrote.
[[nodiscard]] Result<WebhookEvents> parse_webhook_events(std::string_view raw, bool skips_unknown);
// A list.
[[nodiscard]] std::string to_json(const WebhookEvents& events);

}  // namespace tako
