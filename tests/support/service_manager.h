// What a service manager gives a program: a socket that listens already, and an ear for its state.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tests/support/socket.h"
#include "tests/support/temp_dir.h"

namespace tako::test {

// A listening stream socket that outlives the programs that accept from it.
class ListeningSocket {
 public:
  // A unix path ("unix:…"), or a TCP address; port 0 takes a free one.
  explicit ListeningSocket(const Endpoint& endpoint);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  // The next connection, for a test that is the server itself; throws when none comes.
  [[nodiscard]] Socket accept(Duration bound = kPatience) const;
  // As bound.
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

 private:
  Socket socket_;
  Endpoint endpoint_;
};

// $NOTIFY_SOCKET: hears what a program tells its manager (sd_notify(3)).
class NotifySocket {
 public:
  explicit NotifySocket(const TempDir& folder);

  // For the program: NOTIFY_SOCKET, and with `watchdog` that signs of life are expected.
  [[nodiscard]] std::map<std::string, std::string> environment(Duration watchdog = {}) const;
  // The next datagram, "" when none comes within the bound.
  [[nodiscard]] std::string next(Duration bound = kPatience);
  // Waits for a datagram that has this line, and drops what comes before; throws when none comes.
  void wait_for(std::string_view line);
  // Drops what has come.
  void forget();

 private:
  Socket socket_;
  std::string path_;
};

}  // namespace tako::test
