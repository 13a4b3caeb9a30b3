// Hundreds of subscribers in one thread that connect, stall, drop and resume at random, and write
// down all they see.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/laws/history.h"
#include "tests/laws/wire_reader.h"
#include "tests/support/socket.h"

namespace tako::test {

struct SwarmChannel {
  std::string target;  // `/_tako/channels/room?r=1`
  bool is_private = false;
};

struct SwarmOptions {
  Endpoint edge;  // 127.0.0.1:port
  std::vector<SwarmChannel> channels;
  int subscribers = 500;
  int subjects = 1;               // that subscribers of private channels share: "crowd-0", …
  int strangers = 10;             // on private channels, with a token that the app refuses
  int disturbed_each_ms = 1'000;  // a subscriber drops or stalls by itself about so often
  std::uint64_t seed = 1;
  bool is_restless = true;  // drop, stall and come back at random
};

class Swarm {
 public:
  explicit Swarm(SwarmOptions options);
  ~Swarm();
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;

  // From now on nobody drops or stalls by itself any more, and whoever is away comes back.
  void calm() { is_calm_ = true; }
  // How many authorized subscribers have seen this position last. Any thread, any time.
  [[nodiscard]] std::size_t count_at(const std::vector<SeenPosition>& heads) const;
  [[nodiscard]] std::size_t authorized() const;
  [[nodiscard]] std::uint64_t drops() const { return drops_; }
  [[nodiscard]] std::uint64_t stalls() const { return stalls_; }
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  // Live subscriptions that the server's side has ended.
  [[nodiscard]] std::uint64_t ended() const { return ended_; }
  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  // Subscribers that now have an open connection.
  [[nodiscard]] std::size_t connected() const { return connected_; }

  // A disconnect of one of the subjects: before() the call, and behind its acknowledgement, when a
  // publisher may begin `next_number` at the earliest. Both wait for the swarm's thread. after()
  // gives how many connections it was to meet.
  void before_disconnect(int subject);
  [[nodiscard]] std::size_t after_disconnect(int subject, std::uint32_t next_number);

  // Ends the thread and gives what was seen. Throws what the thread threw.
  [[nodiscard]] std::vector<SubscriptionHistory> finish();

 private:
  struct Subscriber;
  void run_in_thread(const std::function<void()>& work);
  void settle(Subscriber& subscriber, std::uint32_t next_number);

  void run();
  void do_work();
  void tick();
  void disturb(Subscriber& subscriber);
  void connect(Subscriber& subscriber);
  void drop(Subscriber& subscriber, bool with_reset, std::int64_t pause_ms);
  // The bytes that came.
  std::size_t on_readable(Subscriber& subscriber);
  void on_opened(Subscriber& subscriber);
  [[nodiscard]] bool on_item(Subscriber& subscriber, const WireItem& item);
  [[nodiscard]] bool on_head(Subscriber& subscriber, int status);
  void on_started(Subscriber& subscriber, std::string_view id);
  void on_message(Subscriber& subscriber, const WireItem& item);
  void on_control(Subscriber& subscriber, std::string_view text);
  void on_gap(Subscriber& subscriber, std::string_view to);
  [[nodiscard]] std::string request(const Subscriber& subscriber) const;
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  SwarmOptions options_;
  std::mt19937_64 random_;
  int epoll_ = -1;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::atomic<bool> is_calm_ = false;
  std::atomic<bool> is_finished_ = false;
  std::atomic<std::uint64_t> drops_ = 0;
  std::atomic<std::uint64_t> stalls_ = 0;
  std::atomic<std::uint64_t> gaps_ = 0;
  std::atomic<std::uint64_t> ended_ = 0;
  std::atomic<std::uint64_t> messages_ = 0;
  std::atomic<std::size_t> connected_ = 0;
  std::exception_ptr failure_;
  std::mutex work_mutex_;
  const std::function<void()>* work_ = nullptr;  // guarded by work_mutex_
  std::condition_variable work_done_;
  std::thread thread_;
};

}  // namespace tako::test
