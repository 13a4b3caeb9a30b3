// Publishes over keep-alive connections and remembers each answer.
#include "tests/laws/crew.h"

#include <optional>
#include <random>

#include "tests/laws/wire_reader.h"
#include "tests/support/http_client.h"
#include "tests/support/wait.h"

namespace tako::test {

// One connection that is made again when it breaks.
class CrewLine {
 public:
  explicit CrewLine(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  // nullopt when there was no answer: the request may or may not have been served.
  std::optional<HttpResponse> ask(const HttpRequest& request) {
    try {
      if (!connection_) connection_.emplace(endpoint_);
      return connection_->request(request);
    } catch (const TestFailure&) {
      connection_.reset();
      return std::nullopt;
    }
  }

 private:
  Endpoint endpoint_;
  std::optional<HttpConnection> connection_;
};

namespace {

constexpr std::uint64_t kAskTwiceOneIn = 50;
constexpr std::chrono::milliseconds kRetryPause{5};

}  // namespace

Crew::Crew(CrewOptions options) : options_(std::move(options)), next_(options_.first_number) {
  running_ = options_.publishers;
  for (int i = 0; i < options_.publishers; ++i) {
    threads_.emplace_back([this, i] {
      try {
        publish_all(options_.seed + static_cast<std::uint64_t>(i));
      } catch (...) {
        const std::scoped_lock lock(mutex_);
        failure_ = std::current_exception();
      }
      --running_;
    });
  }
}

void Crew::join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

std::vector<PublishedMessage> Crew::published() {
  join();
  if (failure_) std::rethrow_exception(failure_);
  return std::move(published_);
}

void Crew::publish_all(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<CrewLine> lines;
  for (const CrewRoute& route : options_.routes) lines.emplace_back(route.endpoint);
  const std::uint32_t end = options_.first_number + options_.messages;
  for (std::uint32_t number = next_++; number < end && !is_over_; number = next_++) {
    publish_one(lines, number, random());
    if (options_.pace.count() > 0) std::this_thread::sleep_for(options_.pace);
  }
}

void Crew::publish_one(std::vector<CrewLine>& lines, std::uint32_t number, std::uint64_t dice) {
  const auto channel = static_cast<std::uint16_t>(dice % options_.targets.size());
  const std::string padding(dice >> 8U & 0xffU, 'x');
  const std::size_t way = (dice >> 32U) % options_.routes.size();
  const CrewRoute& route = options_.routes.at(way);
  Headers headers = route.headers;
  headers.push_back({"Idempotency-Key", "n-" + std::to_string(number)});
  const HttpRequest request{.method = "POST",
                            .target = route.prefix + options_.targets.at(channel),
                            .headers = std::move(headers),
                            .body = R"({"type":"m","data":{"n":)" + std::to_string(number) +
                                    R"(,"c":)" + std::to_string(channel) + R"(,"pad":")" + padding +
                                    "\"}}"};
  const bool asks_twice = (dice >> 20U) % kAskTwiceOneIn == 0;
  const Deadline deadline = deadline_in(std::chrono::seconds(60));
  for (int wanted = asks_twice ? 2 : 1; wanted > 0;) {
    if (poll_timeout(deadline) == 0) throw TestFailure("message never acknowledged");
    const auto answer = lines.at(way).ask(request);
    if (!answer.has_value() || answer->status >= 500) {
      ++retries_;
      std::this_thread::sleep_for(kRetryPause);
      continue;
    }
    if (answer->status != 200 && answer->status != 201) {
      throw TestFailure("publish: " + std::to_string(answer->status) + " " + answer->body);
    }
    --wanted;
    const std::scoped_lock lock(mutex_);
    published_.push_back({.number = number,
                          .channel = channel,
                          .is_acknowledged = true,
                          .position = parse_position(string_member(answer->body, "id"))});
  }
  ++acknowledged_;
}

}  // namespace tako::test
