// Listener: accepts connections on a TCP address, a unix path, or a socket that was handed over.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/uv/handle.h"
#include "common/uv/socket.h"
#include "common/uv/stream.h"
#include "common/uv/timer.h"

namespace tako::uv {

class Loop;

struct ListenOptions {
  bool reuse_port = false;  // TCP: several processes on one port (SO_REUSEPORT)
  bool listens = true;      // TCP; false: only binds, to hold a port for others that will share it
  mode_t unix_mode = 0660;  // of the socket file, set before anybody can connect
};

struct ListenerCounters {  // may be shared by several listeners
  std::uint64_t accepted = 0;
  std::uint64_t accept_errors = 0;  // connections that were gone before we took them, and others
  std::uint64_t descriptors_exhausted = 0;  // EMFILE, ENFILE: accepting paused for a moment
  std::uint64_t turns_full = 0;             // kAcceptsPerTurn were taken; others may wait
};

// Opens, binds and listens (backlog limits::kListenBacklog); not accepting yet.
// Unix path: a stale socket file is removed, only if it is a socket and nobody answers.
// Errors: AddressInUse (the text says by what), ConfigInvalid.
[[nodiscard]] Result<Fd> open_listening_socket(const Address& address,
                                               const ListenOptions& options);

// Accepts at most limits::kAcceptsPerTurn connections each loop turn, so that a storm of connects
// does not starve those who are in. Destroying it stops accepting and closes the socket. The file
// of a unix socket is removed only if it is still the one that this listener bound.
class Listener {
 public:
  using OnConnection = std::function<void(std::unique_ptr<Stream>)>;

  // `socket` listens already: opened above, inherited, or received from another process.
  // `counters` outlive it. `on_connection` may destroy the listener. Accepting starts at once.
  Listener(Loop& loop, Fd socket, ListenerCounters& counters, OnConnection on_connection);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // As bound: with the port that the kernel chose when 0 was asked for.
  [[nodiscard]] const Address& address() const noexcept { return address_; }

  // Connections wait in the kernel's backlog meanwhile.
  void pause();
  void resume();
  // Makes this listener remove the unix socket's file when it goes, if that is still the file of
  // now: for who has bound it. Who inherited the socket leaves the file to its owner.
  void own_file();
  // The inverse: the socket was handed to another process, which goes on with it.
  void keep_file() noexcept { owns_file_ = false; }
  [[nodiscard]] bool owns_file() const noexcept { return owns_file_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  static void on_event(uv_poll_s* handle, int status, int events) noexcept;
  void watch();
  // False when accepting should end for this turn.
  bool accept_one();
  void wait_for_descriptors();

  Loop& loop_;
  ListenerCounters& counters_;
  OnConnection on_connection_;
  Fd fd_;  // Before handle_, so that it is closed after libuv has stopped watching it.
  OwnedHandle<uv_poll_s> handle_;
  Address address_;
  Timer retry_;
  bool is_paused_ = false;
  bool owns_file_ = false;
  dev_t file_device_ = 0;
  ino_t file_inode_ = 0;
};

}  // namespace tako::uv
