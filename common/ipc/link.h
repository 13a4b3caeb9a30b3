// Link: frames both ways between an edge and the broker, over one unix stream.
//
// A plain byte stream and not one of nng's SP patterns: PAIR1 poly, BUS and PUB lose messages
// silently, and a queue of a dead peer goes to the next one. A stream has order, back-pressure and
// exact peer death. The broker accepts links with nng (link_listener.h), the edge's loop reads its
// own socket (link_dialer.h); on the wire the two are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/result.h"

namespace tako::ipc {

// After on_frame or on_closed the link may be gone: the link touches nothing of itself afterwards.
class LinkObserver {
 public:
  virtual ~LinkObserver() = default;
  // One whole frame; valid during the call.
  virtual void on_frame(std::span<const std::byte> frame) = 0;
  // The kernel has taken all that a flush() had to leave behind.
  virtual void on_drained() = 0;
  // The peer is gone (Unavailable), or broke the framing (ProtocolError); no call follows.
  virtual void on_closed(const Error& error) = 0;
};

class Link {
 public:
  Link() = default;
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Begins to read. `observer` outlives the link or replaces itself here.
  virtual void start(LinkObserver& observer) = 0;
  // Queues one frame for the next flush().
  virtual void send(std::string_view payload) = 0;
  // Writes what the kernel takes at once; pending_bytes() tells what is left. That goes on by
  // itself, with what is queued meanwhile behind it, and then on_drained() comes.
  virtual void flush() = 0;
  // Queued bytes that the kernel has not taken yet.
  [[nodiscard]] virtual std::size_t pending_bytes() const = 0;
  // The peer's user, as the kernel says at connect; nullopt when it is not known.
  [[nodiscard]] virtual std::optional<std::uint32_t> peer_uid() const = 0;
};

}  // namespace tako::ipc
