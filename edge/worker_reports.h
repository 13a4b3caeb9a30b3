// WorkerReports: what workers tell their supervisor, in the words of the service manager's
// protocol.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "common/uv/socket.h"

namespace tako::edge {

// To its workers a supervisor is the service manager: they tell it, not the machine's, that they
// serve and live, so that it can speak for all of them. No loop, no threads.
class WorkerReports {
 public:
  // Errors: Unavailable, no socket can be had.
  [[nodiscard]] static Result<WorkerReports> open();

  // $NOTIFY_SOCKET for workers: an abstract address, which leaves no file behind. Anybody may write
  // to it, so only the pid counts that the kernel vouches for.
  [[nodiscard]] const std::string& address() const noexcept { return address_; }

  struct Report {   // each is a sign of life
    pid_t pid = 0;  // who says it
    bool is_ready = false;
  };
  // What has come since the last time; a bounded number at a time, what is more waits.
  [[nodiscard]] std::vector<Report> take();

 private:
  WorkerReports(uv::Fd socket, std::string address)
      : socket_(std::move(socket)), address_(std::move(address)) {}

  uv::Fd socket_;
  std::string address_;
};

}  // namespace tako::edge
