// LinkListener: the broker's end that accepts links at a socket path.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/ipc/link.h"
#include "common/result.h"
#include "common/uv/loop.h"

struct nng_stream_listener;

namespace tako::ipc {

class LoopAio;

// Whoever gets to the socket is accepted: the owner of the link judges its peer_uid().
class LinkListener {
 public:
  using OnLink = std::function<void(std::unique_ptr<Link>)>;
  // Errors: AddressInUse (another broker lives there, or something that is no socket is at the
  // path), ConfigInvalid (the path is too long, or its folder is missing).
  [[nodiscard]] static Result<std::unique_ptr<LinkListener>> listen(uv::Loop& loop,
                                                                    const std::string& path,
                                                                    OnLink on_link);
  ~LinkListener();
  LinkListener(const LinkListener&) = delete;
  LinkListener& operator=(const LinkListener&) = delete;

 private:
  LinkListener(uv::Loop& loop, std::string path, nng_stream_listener* listener, OnLink on_link);
  void accept();
  void on_accepted();

  uv::Loop& loop_;
  std::string path_;
  std::uint64_t inode_ = 0;
  nng_stream_listener* listener_;
  OnLink on_link_;
  std::unique_ptr<LoopAio> aio_;
};

}  // namespace tako::ipc
