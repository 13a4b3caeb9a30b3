// LinkDialer: the edge's end that makes a link to the broker.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/ipc/link.h"
#include "common/result.h"
#include "common/uv/connector.h"
#include "common/uv/loop.h"

namespace tako::ipc {

// Dials once per call; the caller decides when to try again.
class LinkDialer {
 public:
  using OnLink = std::function<void(Result<std::unique_ptr<Link>>)>;
  LinkDialer(uv::Loop& loop, std::string path, OnLink on_link);

  // Answers by on_link, later: the link, or Unavailable. A dial that is under way is given up.
  void dial();

 private:
  void on_dialed(Result<std::unique_ptr<uv::Stream>> stream);

  uv::Loop& loop_;
  std::string path_;
  OnLink on_link_;
  std::unique_ptr<uv::Connector> connector_;
};

}  // namespace tako::ipc
