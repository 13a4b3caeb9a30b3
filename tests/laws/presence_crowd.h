// Subjects in one thread that come, change their data, blink, stay away and say goodbye at random,
// each over several sessions, and write down all that they are told of each other.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/laws/presence_history.h"
#include "tests/support/socket.h"

namespace tako::test {

struct CrowdOptions {
  Endpoint edge;
  int rooms = 3;  // channels `room?r=0`, …, of a definition with presence
  int subjects = 30;
  int sessions = 3;  // of one subject, at most
  std::chrono::milliseconds grace{0};
  std::uint64_t seed = 1;
};

class PresenceCrowd {
 public:
  explicit PresenceCrowd(CrowdOptions options);
  ~PresenceCrowd();
  PresenceCrowd(const PresenceCrowd&) = delete;
  PresenceCrowd& operator=(const PresenceCrowd&) = delete;

  // The app's answer for a subject of this crowd is its token.
  // From now on: every second subject is there with one session and data of its own, the others go
  // without a word. Everybody's list comes to say so.
  void settle() { is_settling_ = true; }
  // Every list is the truth (after settle()). Any thread.
  [[nodiscard]] bool is_agreed() const { return is_agreed_; }
  // For a failure's text: whose list is not, and how.
  [[nodiscard]] std::string disagreement() const;
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] std::uint64_t connects() const { return connects_; }

  // Ends the thread and gives what was seen. Throws what the thread threw.
  [[nodiscard]] PresenceHistory finish();

 private:
  struct Session;
  struct Subject;

  void run();
  void step(Subject& subject);
  void act(Subject& subject);
  void settle(Subject& subject);
  void connect(Subject& subject, Session& session);
  void update(Subject& subject);
  // Without a word; with a goodbye (close 1000).
  void drop(Subject& subject, Session& session);
  void say_goodbye(Subject& subject, Session& session);
  void after_end(Subject& subject);
  void read(Subject& subject, Session& session);
  void on_frame(Subject& subject, Session& session, const std::string& text);
  void look_for_agreement();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  CrowdOptions options_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::atomic<bool> is_settling_ = false;
  std::atomic<bool> is_agreed_ = false;
  std::atomic<bool> is_finished_ = false;
  std::atomic<std::uint64_t> frames_ = 0;
  std::atomic<std::uint64_t> connects_ = 0;
  mutable std::mutex mutex_;
  std::string disagreement_;  // guarded by mutex_
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace tako::test
