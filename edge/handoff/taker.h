// Taker: the successor's side of a handoff.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/uv/timer.h"
#include "edge/handoff/handoff_channel.h"

namespace tako::proto {
class HandoffBatch;
class HandoffWelcome;
}  // namespace tako::proto

namespace tako::edge {

struct HandedListener {
  ListenerKind kind = ListenerKind::Unknown;
  bool owns_file = false;
  uv::Fd socket;
};

// What becomes of it; the taker may be destroyed in each of these, but on_listeners.
class TakerObserver {
 public:
  // They are this process's from now on.
  virtual void on_listeners(std::vector<HandedListener> listeners) = 0;
  // All that could move has; what is under way there still comes.
  virtual void on_taken_over() = 0;
  // The predecessor has refused, or serves on what it still has: this process is not to serve.
  virtual void on_take_failed(const std::string& reason) = 0;
  // The predecessor has died on the way. What has come is served here.
  virtual void on_predecessor_died(bool has_listeners) = 0;

 protected:
  ~TakerObserver() = default;
};

//   Asking --Welcome--> Taking --Done--> Trailing --end-->
//
// A batch that has come is only looked at and kept: its sockets are touched behind Commit, and
// closed when the end comes before it.
class Taker final : private HandoffChannelObserver {
 public:
  Taker(const HandoffParts& parts, uv::Fd socket, TakerObserver& observer);
  ~Taker();
  Taker(const Taker&) = delete;
  Taker& operator=(const Taker&) = delete;

 private:
  enum class State : std::uint8_t { Asking, Taking, Trailing, Over };
  struct Batch {
    std::uint64_t number = 0;
    ControlPosition control;
    std::vector<HandedListener> listeners;
    std::vector<PackedClient> clients;
  };

  void on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd> fds) override;
  void on_handoff_closed(const Error& error) override;

  void say_hello();
  void on_batch(proto::HandoffBatch& batch, std::vector<uv::Fd> fds);
  [[nodiscard]] bool unpack_frame(proto::HandoffBatch& batch, std::vector<uv::Fd> fds);
  // Once the broker's control stream is here as far as the clients were judged by it there.
  void take_when_current();
  void commit();
  void on_timer();
  void fail(const std::string& reason);
  void look_for_predecessor();

  HandoffParts parts_;
  TakerObserver& observer_;
  State state_ = State::Asking;
  std::int32_t predecessor_pid_ = 0;
  bool has_listeners_ = false;
  std::unique_ptr<Batch> batch_;  // has come, and is not committed
  bool is_taken_ = false;         // Taken has been said of it
  std::int64_t silent_since_ms_ = 0;
  std::string end_reason_;  // the channel's, while it is looked whether the predecessor lives
  uv::Timer timer_;
  HandoffChannel channel_;
};

}  // namespace tako::edge
