// FdChannel: frames with file descriptors over a unix stream, between two processes of one box.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/uv/handle.h"
#include "common/uv/socket.h"

namespace tako::uv {

class Loop;

// As many as one sendmsg takes (SCM_MAX_FD).
inline constexpr std::size_t kFrameFdsMax = 253;

// After each of these calls the channel may be gone: it touches nothing of itself afterwards.
class FdChannelObserver {
 public:
  virtual void on_frame(std::string_view payload, std::vector<Fd> fds) = 0;
  // The peer is gone (Unavailable), broke the framing (ProtocolError), sent a frame above the bound
  // (PayloadTooLarge), or this process has no room for its descriptors (LimitReached). No call
  // follows.
  virtual void on_closed(const Error& error) = 0;

 protected:
  ~FdChannelObserver() = default;
};

//   u32 payload length, u32 descriptors, payload       (big-endian; descriptors: SCM_RIGHTS with
//   the first byte)
//
// The kernel does not glue bytes behind descriptors to those descriptors' bytes, and hands them out
// in order: so each frame takes as many from the front of what has come as its header says.
class FdChannel {
 public:
  // Takes over a connected unix socket and begins to read. The observer outlives the channel.
  FdChannel(Loop& loop, Fd socket, std::size_t frame_bytes_max, FdChannelObserver& observer);
  ~FdChannel();
  FdChannel(const FdChannel&) = delete;
  FdChannel& operator=(const FdChannel&) = delete;

  // Writes what the kernel takes at once, the rest as it has room. The descriptors (at most
  // kFrameFdsMax) stay the caller's, who keeps them open until the peer has answered. A peer that
  // is gone is told by on_closed(), later.
  void send(std::string_view payload, std::span<const int> fds = {});
  // What could not be sent yet.
  [[nodiscard]] std::size_t pending_bytes() const noexcept;
  [[nodiscard]] std::optional<PeerCredentials> credentials() const;

 private:
  struct Outgoing {
    std::string bytes;
    std::size_t sent = 0;
    std::vector<int> fds;  // until the first byte is sent
  };

  static void on_event(uv_poll_s* handle, int status, int events) noexcept;
  void watch();
  void read_once();
  void take_descriptors(void* message, bool& is_cut);
  void parse();
  void flush();
  [[nodiscard]] bool send_some(Outgoing& frame);
  void fail(const Error& error);

  Fd fd_;  // Before handle_, so that it is closed after libuv has stopped watching it.
  OwnedHandle<uv_poll_s> handle_;
  std::size_t frame_bytes_max_;
  FdChannelObserver& observer_;
  std::string received_;
  std::deque<Fd> received_fds_;
  std::deque<Outgoing> outgoing_;
  int watched_ = 0;
  bool is_broken_ = false;
};

// Connects to a unix socket without waiting; nullopt when nobody listens there.
[[nodiscard]] std::optional<Fd> connect_unix(const std::string& path);

}  // namespace tako::uv
