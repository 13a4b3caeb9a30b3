// Reads and prints the member `webhooks` of a definition.
#include "common/webhook_events.h"

#include <array>
#include <utility>

#include "common/json_text.h"

namespace tako {
namespace {

constexpr std::array<std::pair<std::string_view, bool WebhookEvents::*>, 4> kEvents = {{
    {"channel-occupied", &WebhookEvents::channel_occupied},
    {"channel-vacated", &WebhookEvents::channel_vacated},
    {"member-entered", &WebhookEvents::member_entered},
    {"member-left", &WebhookEvents::member_left},
}};

bool choose(WebhookEvents& events, std::string_view raw) {
  const auto word = json_string_value(raw);
  for (const auto& [name, event] : kEvents) {
    if (word != name) continue;
    events.*event = true;
    return true;
  }
  return false;
}

}  // namespace

Result<WebhookEvents> parse_webhook_events(std::string_view raw, bool skips_unknown) {
  WebhookEvents events;
  if (raw == "false") return events;
  if (raw == "true") {
    for (const auto& [name, event] : kEvents) events.*event = true;
    return events;
  }
  const auto elements = split_json_array(raw, raw.size());
  bool is_known = elements.has_value();
  for (std::size_t i = 0; is_known && i < elements->size(); ++i) {
    is_known = choose(events, (*elements)[i]) || skips_unknown;
  }
  if (is_known) return events;
  return fail(ErrorCode::DefinitionInvalid,
              "webhooks must be true, false or a list of channel-occupied, channel-vacated, "
              "member-entered, member-left");
}

std::string to_json(const WebhookEvents& events) {
  std::string out = "[";
  for (const auto& [name, event] : kEvents) {
    if (!(events.*event)) continue;
    if (out.back() != '[') out += ',';
    append_json_string(out, name);
  }
  return out + ']';
}

}  // namespace tako
