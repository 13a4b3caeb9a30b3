// Listens with nng, and guards the socket path and the door.
#include "common/ipc/link_listener.h"

#include <nng/nng.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <utility>

#include "common/check.h"
#include "common/ipc/loop_aio.h"
#include "common/ipc/nng_link.h"

namespace tako::ipc {
namespace {

constexpr int kSocketMode = 0600;

std::optional<std::uint64_t> inode_of(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

// nng unlinks whatever is at the path before it binds, a regular file too: refuse that first.
Result<void> check_path(const std::string& path) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(ErrorCode::ConfigInvalid, "link: the socket path '" + path + "' must be 1 to " +
                                              std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                              " characters long");
  }
  struct stat status{};
  if (lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
    return fail(ErrorCode::AddressInUse,
                "link: " + path + " exists and is no socket; remove it or choose another path");
  }
  return {};
}

Error listen_error(int result, const std::string& path) {
  if (result == NNG_EADDRINUSE) {
    return {ErrorCode::AddressInUse,
            "link: " + path + " is in use by another broker; stop it, or choose another --link"};
  }
  return {ErrorCode::ConfigInvalid, "link: cannot listen at " + path + ": " + nng_strerror(result)};
}

}  // namespace

Result<std::unique_ptr<LinkListener>> LinkListener::listen(uv::Loop& loop, const std::string& path,
                                                           OnLink on_link) {
  if (auto ok = check_path(path); !ok) return std::unexpected(ok.error());
  nng_stream_listener* listener = nullptr;
  int result = nng_stream_listener_alloc(&listener, ("ipc://" + path).c_str());
  if (result != 0) return std::unexpected(listen_error(result, path));
  result = nng_stream_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, kSocketMode);
  if (result == 0) result = nng_stream_listener_listen(listener);
  if (result != 0) {
    nng_stream_listener_free(listener);
    return std::unexpected(listen_error(result, path));
  }
  return std::unique_ptr<LinkListener>(
      new LinkListener(loop, path, listener, std::move(on_link)));  // NOLINT: private constructor
}

LinkListener::LinkListener(uv::Loop& loop, std::string path, nng_stream_listener* listener,
                           OnLink on_link)
    : loop_(loop),
      path_(std::move(path)),
      inode_(inode_of(path_).value_or(0)),
      listener_(listener),
      on_link_(std::move(on_link)),
      aio_(std::make_unique<LoopAio>(loop, [this] { on_accepted(); })) {
  accept();
}

LinkListener::~LinkListener() {
  // Closing unlinks by path, even if a newer broker has bound a new socket there: then leave the
  // descriptor to the end of the process.
  const auto inode = inode_of(path_);
  if (inode.has_value() && *inode != inode_) {
    aio_->stop();
    return;
  }
  nng_stream_listener_close(listener_);
  aio_->stop();
  nng_stream_listener_free(listener_);
}

void LinkListener::accept() { nng_stream_listener_accept(listener_, aio_->raw()); }

void LinkListener::on_accepted() {
  if (aio_->result() == 0) {
    auto* stream = static_cast<nng_stream*>(nng_aio_get_output(aio_->raw(), 0));
    on_link_(std::make_unique<NngLink>(loop_, stream));
  } else if (aio_->result() == NNG_ECLOSED) {
    return;
  }
  accept();
}

}  // namespace tako::ipc
