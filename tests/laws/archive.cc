// Pages through GET /v1/channels/<name>/messages.
#include "tests/laws/archive.h"

#include <algorithm>

#include "tests/support/http_client.h"
#include "tests/support/wait.h"

namespace tako::test {
namespace {

// From the head back to the oldest; each page's messages, newest page first.
std::vector<Json> read_pages(const Endpoint& app_socket, const std::string& target) {
  std::vector<Json> pages;
  std::string before;
  do {
    const HttpResponse answer =
        http_get(app_socket, "/v1/channels/" + target + "&_limit=1000" + before);
    // Its epoch is too old by now (older_epochs_max): what is newer has been read.
    if (answer.status == 410 && !pages.empty()) break;
    if (answer.status != 200) {
      throw TestFailure(target + ": " + answer.head.start_line + " " + answer.body);
    }
    pages.push_back(answer.json());
    const Json prev = pages.back()["prev"];
    before = prev.is_null() ? "" : "&_before=" + prev.string();
  } while (!before.empty());
  std::ranges::reverse(pages);
  return pages;
}

}  // namespace

std::vector<SubscriptionHistory> read_archive(const Endpoint& app_socket,
                                              const std::vector<std::string>& targets) {
  std::vector<SubscriptionHistory> histories;
  for (std::size_t channel = 0; channel < targets.size(); ++channel) {
    SubscriptionHistory history{.channel = static_cast<std::uint16_t>(channel),
                                .name = "the log of " + targets[channel],
                                .events = {{.kind = SeenEvent::Kind::Fresh, .position = {}}}};
    for (const Json& page : read_pages(app_socket, targets[channel])) {
      const Json messages = page["messages"];
      for (std::size_t i = 0; i < messages.size(); ++i) {
        const Json data = messages[i]["data"];
        history.events.push_back({.kind = SeenEvent::Kind::Message,
                                  .has_position = true,
                                  .payload_channel = static_cast<std::uint16_t>(data["c"].number()),
                                  .number = static_cast<std::uint32_t>(data["n"].number()),
                                  .position = parse_position(messages[i]["id"].string())});
      }
    }
    histories.push_back(std::move(history));
  }
  return histories;
}

}  // namespace tako::test
