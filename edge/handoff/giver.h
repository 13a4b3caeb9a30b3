// Giver: the predecessor's side of one handoff: listening sockets, then clients in batches.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/uv/timer.h"
#include "edge/handoff/handoff_channel.h"

namespace tako::proto {
class HandoffHello;
class HandoffTaken;
}  // namespace tako::proto

namespace tako::edge {

// What becomes of it; the giver may be destroyed in each of these.
class GiverObserver {
 public:
  // Nothing has changed, or what had not moved yet is served on here, and listened for.
  virtual void on_give_failed(const std::string& reason) = 0;
  // The successor listens and serves. This process accepts nothing any more.
  virtual void on_successor(std::int32_t pid) = 0;
  // What is left can't move, or time is up: it is to be drained.
  virtual void on_give_over() = 0;
  // Asked to leave without a successor.
  virtual void on_told_to_leave() = 0;

 protected:
  ~GiverObserver() = default;
};

//   Greeting --Hello--> Giving --Confirmed--> Settling --all moved, or settle_ms--> Over
//      |                  |                      |
//      +--- silence, end -+--> failed            +--- end --> Over
//
// A batch that is under way is either taken as a whole (but for those refused), or unpacked here:
// Taken decides, and only this side reads it. Without Taken in handoff_step_ms it is unpacked.
class Giver final : private HandoffChannelObserver {
 public:
  // `settle`: how long clients whose answer is under way are waited for behind Confirmed.
  Giver(const HandoffParts& parts, uv::Fd socket, std::chrono::milliseconds settle,
        GiverObserver& observer);
  ~Giver();
  Giver(const Giver&) = delete;
  Giver& operator=(const Giver&) = delete;

  // Hello has come.
  [[nodiscard]] bool has_begun() const noexcept { return state_ != State::Greeting; }
  // This process ends, or does not want to any more: as if the successor had hung up.
  void give_up(const std::string& reason);

 private:
  enum class State : std::uint8_t { Greeting, Giving, Settling, Over };
  enum class Awaited : std::uint8_t { Nothing, Hello, Taken, Confirmed };

  void on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd> fds) override;
  void on_handoff_closed(const Error& error) override;

  void on_hello(const proto::HandoffHello& hello);
  void on_taken(const proto::HandoffTaken& taken);
  void on_confirmed();
  void send_listeners();
  void send_clients();
  void drop_oversized();
  void on_all_sent();
  void await(Awaited awaited);
  void on_timer();
  void unpack(std::vector<PackedClient> clients);

  HandoffParts parts_;
  std::chrono::milliseconds settle_;
  GiverObserver& observer_;
  State state_ = State::Greeting;
  Awaited awaited_ = Awaited::Hello;
  std::uint32_t version_ = 0;
  std::int32_t successor_pid_ = 0;
  std::uint64_t batch_ = 0;
  std::int64_t settled_by_ms_ = 0;
  std::vector<PackedClient> in_flight_;  // sent, not taken yet
  std::vector<PackedClient> packed_;     // to be sent
  uv::Timer timer_;
  HandoffChannel channel_;
};

}  // namespace tako::edge
