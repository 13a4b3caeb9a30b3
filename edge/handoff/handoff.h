// Handoff: an edge's part in upgrades: takes over from a predecessor, gives to a successor.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/uv/timer.h"
#include "edge/handoff/giver.h"
#include "edge/handoff/handoff_socket.h"
#include "edge/handoff/taker.h"

namespace tako::edge {

// What a handoff asks of the process around it.
class HandoffHost {
 public:
  // ---- As a successor.
  // The predecessor's listening sockets, but the handoff's own: serve on them.
  virtual void on_listeners(std::vector<HandedListener> listeners) = 0;
  // The takeover is done. Without `has_listeners` the predecessor has died before it gave any:
  // listen, as if there had been none.
  virtual void on_taken_over(bool has_listeners) = 0;
  // The predecessor serves on: end.
  virtual void on_takeover_failed() = 0;
  // ---- As a predecessor.
  virtual void on_successor(pid_t pid) = 0;
  // Everything that can move has, or a process said so: drain the rest, and end.
  virtual void on_leave() = 0;
  // As if nothing had happened.
  virtual void on_handoff_failed(const std::string& reason) = 0;

 protected:
  ~HandoffHost() = default;
};

class Handoff final : private GiverObserver, private TakerObserver {
 public:
  // `socket_path`: handoff_path(). `settle`: as of Giver.
  Handoff(HandoffParts parts, HandoffSocket& socket, std::string socket_path,
          std::chrono::milliseconds settle, HandoffHost& host);
  ~Handoff();
  Handoff(const Handoff&) = delete;
  Handoff& operator=(const Handoff&) = delete;

  // Is there an edge to take over from?
  [[nodiscard]] bool has_predecessor() const;
  // Takes over as soon as on_linked() is called; fails when that is not within handoff_link_ms.
  void take_over();
  // The link to the broker stands. No effect unless somebody waits for it.
  void on_linked();
  // Waits for a successor. Errors: AddressInUse, when an edge of this name runs.
  [[nodiscard]] Result<void> listen();
  // For HandoffSocket.
  void on_peer(uv::Fd socket);
  void on_stranger(std::uint32_t uid);
  // The process drains: no handoff any more.
  void stop(const std::string& reason);

 private:
  void on_give_failed(const std::string& reason) override;
  void on_successor(std::int32_t pid) override;
  void on_give_over() override;
  void on_told_to_leave() override;

  void on_listeners(std::vector<HandedListener> listeners) override;
  void on_taken_over() override;
  void on_take_failed(const std::string& reason) override;
  void on_predecessor_died(bool has_listeners) override;

  void end_giver();
  void fail_takeover(std::string_view reason);

  HandoffParts parts_;
  HandoffSocket& socket_;
  std::string socket_path_;
  std::chrono::milliseconds settle_;
  HandoffHost& host_;
  bool waits_for_link_ = false;
  bool is_taking_ = false;
  uv::Timer link_deadline_;
  std::unique_ptr<Giver> giver_;
  std::unique_ptr<Giver> ended_giver_;  // until the turn's end: it may be on the stack
  uv::TurnEndTask end_giver_;
  std::unique_ptr<Taker> taker_;
};

}  // namespace tako::edge
