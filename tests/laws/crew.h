// Publishers of the law test: every message has a number and a key, and is retried with that key
// until the broker acknowledges it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/laws/history.h"
#include "tests/support/http_client.h"
#include "tests/support/socket.h"

namespace tako::test {

// A way in for publishers: `prefix` + a channel's target is what they POST to.
struct CrewRoute {
  Endpoint endpoint;
  std::string prefix;  // `/v1/channels/`
  Headers headers = {};
};

struct CrewOptions {
  std::vector<CrewRoute> routes;     // each message takes one of them, with all its retries
  std::vector<std::string> targets;  // per channel: `room/messages?r=1`
  int publishers = 8;
  std::uint32_t first_number = 1;  // of the messages
  std::uint32_t messages = 200'000;
  std::chrono::microseconds pace{0};  // each publisher's pause behind a message
  std::uint64_t seed = 1;
};

class Crew {
 public:
  explicit Crew(CrewOptions options);
  ~Crew() { stop(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] std::uint32_t acknowledged() const { return acknowledged_; }
  // The number that is published next, at the earliest from now on.
  [[nodiscard]] std::uint32_t next_number() const { return next_; }
  [[nodiscard]] std::uint64_t retries() const { return retries_; }
  [[nodiscard]] bool is_done() const { return running_ == 0; }
  void join();
  // Nobody begins another message; those begun are retried until they are acknowledged.
  void stop() {
    is_over_ = true;
    join();
  }
  // After join(): what every publisher was told. Throws what a publisher threw.
  [[nodiscard]] std::vector<PublishedMessage> published();

 private:
  void publish_all(std::uint64_t seed);
  // One message, as often as it takes; sometimes asked twice although it was acknowledged.
  void publish_one(std::vector<class CrewLine>& lines, std::uint32_t number, std::uint64_t dice);

  CrewOptions options_;
  std::atomic<bool> is_over_ = false;
  std::atomic<std::uint32_t> next_;
  std::atomic<std::uint32_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> retries_ = 0;
  std::atomic<int> running_ = 0;
  std::mutex mutex_;
  std::vector<PublishedMessage> published_;  // guarded by mutex_ until join()
  std::exception_ptr failure_;               // likewise
  std::vector<std::thread> threads_;
};

}  // namespace tako::test
