// Connector: one attempt to connect to a TCP host or a unix path, with a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "common/result.h"
#include "common/uv/handle.h"
#include "common/uv/socket.h"
#include "common/uv/stream.h"
#include "common/uv/timer.h"

namespace tako::uv {

class Loop;

// Resolves (a name goes to libuv's thread pool), tries the addresses in turn, and calls back once
// with the stream or an Error (UpstreamUnavailable, UpstreamTimeout). Never calls back from inside
// the constructor. Destroying it cancels.
class Connector {
 public:
  using OnDone = std::function<void(Result<std::unique_ptr<Stream>>)>;

  // `on_done` may destroy the connector.
  Connector(Loop& loop, Address address, std::chrono::milliseconds timeout, OnDone on_done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::uv
