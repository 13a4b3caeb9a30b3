// Publishes closing rounds over the app socket.
#include "tests/laws/closing.h"

#include <chrono>

#include "tests/support/http_client.h"
#include "tests/support/wait.h"

namespace tako::test {
namespace {

constexpr int kClosingRoundsMax = 60;

SeenPosition publish_closing(const ClosingTargets& to, std::size_t channel, std::uint32_t number) {
  const HttpRequest request{.method = "POST",
                            .target = "/v1/channels/" + to.targets.at(channel),
                            .body = R"({"type":"m","data":{"n":)" + std::to_string(number) +
                                    R"(,"c":)" + std::to_string(channel) + "}}"};
  const HttpResponse answer = http(to.app_socket, request);
  if (answer.status != 201) {
    throw TestFailure("closing: " + answer.head.start_line + " " + answer.body);
  }
  return parse_position(answer.json()["id"].string());
}

}  // namespace

std::uint32_t bring_to_the_end(const ClosingTargets& to, const Swarm& swarm, std::uint32_t number,
                               History& history) {
  for (int round = 0; round < kClosingRoundsMax; ++round) {
    history.heads.clear();
    for (std::size_t channel = 0; channel < to.targets.size(); ++channel) {
      history.heads.push_back(publish_closing(to, channel, number));
      history.published.push_back(
          {number++, static_cast<std::uint16_t>(channel), true, history.heads.back()});
    }
    const auto all_there = [&] { return swarm.count_at(history.heads) == swarm.authorized(); };
    if (eventually(all_there, std::chrono::seconds(2))) break;
  }
  return number;
}

}  // namespace tako::test
