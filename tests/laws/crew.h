// Publishers of the law test: every message has a number and a key, and is retried with that key
// until the broker acknowledges it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/laws/history.h"
#include "tests/support/socket.h"

namespace tako::test {

struct CrewOptions {
  Endpoint app_socket;
  std::vector<std::string> targets;  // per channel: `/v1/channels/room/messages?r=1`
  int publishers = 8;
  std::uint32_t messages = 200'000;
  std::uint64_t seed = 1;
};

class Crew {
 public:
  explicit Crew(CrewOptions options);
  ~Crew() { join(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] std::uint32_t acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t retries() const { return retries_; }
  [[nodiscard]] bool is_done() const { return running_ == 0; }
  void join();
  // After join(): what every publisher was told. Throws what a publisher threw.
  [[nodiscard]] std::vector<PublishedMessage> published();

 private:
  void publish_all(std::uint64_t seed);
  // One message, as often as it takes; sometimes asked twice although it was acknowledged.
  void publish_one(class CrewLine& line, std::uint32_t number, std::uint64_t dice);

  CrewOptions options_;
  std::atomic<std::uint32_t> next_ = 1;
  std::atomic<std::uint32_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> retries_ = 0;
  std::atomic<int> running_ = 0;
  std::mutex mutex_;
  std::vector<PublishedMessage> published_;  // guarded by mutex_ until join()
  std::exception_ptr failure_;               // likewise
  std::vector<std::thread> threads_;
};

}  // namespace tako::test
