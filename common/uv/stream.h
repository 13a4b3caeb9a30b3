// Stream: one connected socket, TCP or unix, as events to an observer and gathered writes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "common/result.h"
#include "common/uv/handle.h"
#include "common/uv/socket.h"

namespace tako::uv {

class Loop;

enum class CloseReason {
  Reset,     // the peer reset the connection, or closed it while we were still writing
  TimedOut,  // TCP gave up on the peer
  Network,   // anything else the kernel reports
};

// What a stream tells. Each of these calls may destroy the stream.
class StreamObserver {
 public:
  // Bytes have come; they are valid during the call only (the buffer is the loop's).
  virtual void on_bytes(std::span<const std::byte> bytes) = 0;
  // The peer sends no more (FIN). Reading has stopped; writing may go on. Whoever is done with the
  // peer closes by destroying the stream.
  virtual void on_end() = 0;
  // The connection is lost. Comes at most once, and never after a write() that returned an Error
  // or because of anything this side did. Destroy the stream.
  virtual void on_closed(CloseReason reason) = 0;
  // Asked for by request_writable(): there is room again.
  virtual void on_writable() = 0;

 protected:
  ~StreamObserver() = default;
};

// Small (about 220 bytes with its libuv handle) and bufferless: what the kernel does not take stays
// with the caller, what comes in is read into one buffer per loop. So a slow peer costs what its
// outbox holds, and an idle one nothing.
//
// Built on uv_poll and own recv/sendmsg calls, not on uv_tcp/uv_pipe: one small handle type for
// both families; readiness to write without a queued write request (uv_write would need a chunk of
// the outbox and an allocation for each slow peer); and the descriptor stays ours, to pass it to
// another process.
class Stream {
 public:
  // Takes over a connected socket and makes it non-blocking; its options stay (tune_connected()).
  // Not reading yet.
  Stream(Loop& loop, Fd fd);
  ~Stream();  // Closes: FIN, or RST when unread bytes have come.
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Who is told; may change at any time, so that a connection moves from one protocol to another.
  // With none, the stream must not be reading.
  void set_observer(StreamObserver* observer) noexcept { observer_ = observer; }

  void start_reading();
  // Until start_reading() neither bytes nor the peer's end are told.
  void stop_reading();
  [[nodiscard]] bool is_reading() const noexcept { return is_reading_; }

  // Writes the pieces in order, in one system call when they are few, and returns how many bytes
  // the kernel took. Less than all: the rest stays with the caller, who calls request_writable()
  // and writes it again on on_writable(). Error (Unavailable): the connection is gone; no on_closed
  // follows. Never calls the observer.
  [[nodiscard]] Result<std::size_t> write(std::span<const std::string_view> pieces);
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes) { return write({&bytes, 1}); }
  // on_writable() once, when there is room. No allocation. Never called back from inside the call.
  void request_writable();
  [[nodiscard]] bool is_waiting_for_room() const noexcept { return wants_room_; }

  // For who would like to close: true when bytes of the peer wait unread. False: none do, and over
  // a unix socket none can come any more (the peer's next write fails), so closing takes nothing
  // from the peer that it could believe delivered. Over TCP that much can't be had.
  [[nodiscard]] bool has_last_words();
  // Sends FIN after what has been written; reading goes on.
  void shutdown_write();
  // Makes the destructor send RST: the peer must not take what it got for the whole.
  void reset_on_close();

  [[nodiscard]] Result<Address> peer() const;
  [[nodiscard]] std::optional<PeerCredentials> credentials() const;
  [[nodiscard]] bool is_tcp() const;
  // For socket options and for passing the socket to another process; the stream keeps owning it.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  // Stops watching and gives the socket away; the stream can only be destroyed after that.
  [[nodiscard]] Fd release();

  [[nodiscard]] Loop& loop() const noexcept;

 private:
  static void on_event(uv_poll_s* handle, int status, int events) noexcept;
  void watch();
  void read_once();
  void report_lost(int error_number);

  Fd fd_;  // Before handle_, so that it is closed after libuv has stopped watching it.
  OwnedHandle<uv_poll_s> handle_;
  StreamObserver* observer_ = nullptr;
  bool is_reading_ = false;
  bool wants_room_ = false;
  bool is_in_event_ = false;  // on_event() adjusts what is watched, once, at its end.
  unsigned char watched_ = 0;
};

}  // namespace tako::uv
