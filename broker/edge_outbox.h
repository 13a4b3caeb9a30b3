// EdgeOutbox: what goes to one edge: frames of many items, and the two bounds of a link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// The bytes' way to an edge; the link's connection in a process, a script in a test.
class FrameSink {
 public:
  // Queues one frame (a serialized BrokerFrame). Calls nothing back.
  virtual void send(std::string frame) = 0;
  // Queued, and not taken by the kernel yet.
  [[nodiscard]] virtual std::size_t pending_bytes() const = 0;
  // EdgeLink::flush() is to be called at the end of this loop turn.
  virtual void schedule_flush() = 0;
  // The link is at its end: nothing more is sent, what was sent may still go out. The EdgeLink is
  // destroyed soon, but not inside this call.
  virtual void close(std::string_view reason) = 0;

 protected:
  ~FrameSink() = default;
};

// Of all links together.
struct LinkCounters {
  std::uint64_t frames_in_total = 0;
  std::uint64_t frames_out_total = 0;
  std::uint64_t bytes_in_total = 0;
  std::uint64_t bytes_out_total = 0;
  std::uint64_t records_out_total = 0;
  std::uint64_t ephemeral_dropped_total = 0;  // not at the head, or no room
  std::uint64_t gaps_total = 0;               // told to edges
  std::uint64_t protocol_errors_total = 0;    // links closed for what the edge sent
  std::uint64_t refused_total = 0;            // by Refused
};

// Messages are only added while there is room (the log is their queue). Control items, the answers
// that nobody could give again, wait here while there is none; too many end the link.
class EdgeOutbox {
 public:
  EdgeOutbox(FrameSink& sink, const RuntimeLimits& limits, LimitCounters& limit_counters,
             LinkCounters& counters);
  EdgeOutbox(const EdgeOutbox&) = delete;
  EdgeOutbox& operator=(const EdgeOutbox&) = delete;

  // Below its bound the outbox admits one more item, whatever its size.
  [[nodiscard]] bool has_room() const;
  // Control items go before: a Subscribed is told before the channel's messages.
  [[nodiscard]] bool has_waiting_control() const { return !control_frames_.empty(); }

  // `item` as encode_item() and its like give it. Only with room and no waiting control.
  void add(std::string_view item);
  // False: the bound of waiting control items was reached, and the link must end.
  [[nodiscard]] bool add_control(std::string_view item);

  // Moves waiting control items on while there is room.
  void move_control();
  void send_frame();

 private:
  FrameSink& sink_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  LinkCounters& counters_;
  std::string frame_;                       // being filled
  std::deque<std::string> control_frames_;  // waiting
  std::size_t control_bytes_ = 0;
};

}  // namespace tako::broker
