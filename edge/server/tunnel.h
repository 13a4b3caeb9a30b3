// Tunnel: an upgraded connection spliced to the app's, both ways, each held up by the other.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/uv/loop.h"
#include "common/uv/send_queue.h"
#include "common/uv/stream.h"
#include "common/uv/timer_wheel.h"

namespace tako::edge {

class Tunnel;

class TunnelOwner {
 public:
  // Destroy the tunnel; called at the end of a loop turn.
  virtual void on_tunnel_over(Tunnel& tunnel) = 0;

 protected:
  ~TunnelOwner() = default;
};

// What one side did not take yet is at most one read of the other (64 KiB): then that one is not
// read until it is gone. FIN is passed on behind what came before it; a reset ends both.
class Tunnel {
 public:
  struct End {
    std::unique_ptr<uv::Stream> stream;  // no observer, not reading
    std::string first;                   // goes to this end before all else
  };
  // `progress_timeout`: an end that takes nothing, or says nothing after the other has ended, for
  // that long ends the tunnel.
  Tunnel(uv::Loop& loop, uv::TimerWheel& wheel, std::chrono::milliseconds progress_timeout,
         TunnelOwner& owner, End client, End upstream);
  // The handoff: nothing waits in it, and neither end has ended.
  [[nodiscard]] bool can_move() const noexcept;
  // Reads neither end, until what waits is gone; and goes on.
  void hold();
  void let_go();
  // While can_move(): gives the sockets away; this can only be destroyed.
  [[nodiscard]] std::vector<uv::Fd> pack();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

 private:
  class Side final : public uv::StreamObserver {
   public:
    Side(Tunnel& tunnel, std::unique_ptr<uv::Stream> stream)
        : tunnel_(tunnel), stream_(std::move(stream)) {}
    void start(Side& other);
    // Sends to this side; its peer is held up while something waits.
    void send(std::string_view bytes);
    // No more will be sent to this side.
    void end_after_queue();
    [[nodiscard]] bool is_blocked() const noexcept { return !queue_.empty(); }
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_; }
    [[nodiscard]] bool is_finished() const noexcept { return is_ending_ && queue_.empty(); }
    void reset();
    void stop() { stream_->stop_reading(); }
    void go_on();
    [[nodiscard]] uv::Fd release() { return stream_->release(); }

   private:
    void on_bytes(std::span<const std::byte> bytes) override;
    void on_end() override;
    void on_closed(uv::CloseReason reason) override;
    void on_writable() override;

    Tunnel& tunnel_;
    std::unique_ptr<uv::Stream> stream_;
    Side* other_ = nullptr;
    uv::SendQueue queue_;
    bool has_ended_ = false;  // its FIN has come
    bool is_ending_ = false;  // FIN follows the queue
  };

  void note_progress();
  void on_stuck();
  void advance();
  void break_off();

  uv::TimerWheel& wheel_;
  std::chrono::milliseconds progress_timeout_;
  TunnelOwner& owner_;
  Side client_;
  Side upstream_;
  bool is_held_ = false;
  uv::TurnEndTask over_;
  uv::MemberDeadline<Tunnel, &Tunnel::on_stuck> stuck_{*this};
};

}  // namespace tako::edge
