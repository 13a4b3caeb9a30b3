// Opens listening sockets and accepts from them, paced.
#include "common/uv/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/check.h"
#include "common/limits.h"
#include "common/uv/loop.h"

namespace tako::uv {

namespace {

std::string doing(const Address& address) { return "listen on " + to_string(address); }

std::unexpected<Error> bind_error(const Address& address, int error_number) {
  Error error = errno_error(ErrorCode::ConfigInvalid, doing(address), error_number);
  if (error_number == EADDRINUSE) {
    error.code = ErrorCode::AddressInUse;
    error.detail += "; another process listens there: stop it, or choose another address";
  } else if (error_number == EACCES) {
    error.detail += "; ports below 1024 need CAP_NET_BIND_SERVICE, a unix path a writable folder";
  }
  return std::unexpected(std::move(error));
}

// Numeric addresses only: which of a name's addresses to serve is not ours to guess.
Result<socklen_t> to_kernel(const TcpAddress& address, sockaddr_storage& storage) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  sockaddr_in ipv4{};
  if (inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    std::memcpy(&storage, &ipv4, sizeof ipv4);
    return socklen_t{sizeof ipv4};
  }
  sockaddr_in6 ipv6{};
  if (inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    std::memcpy(&storage, &ipv6, sizeof ipv6);
    return socklen_t{sizeof ipv6};
  }
  return fail(ErrorCode::ConfigInvalid,
              doing(address) + ": give an IP address, 0.0.0.0 or [::] for all of them");
}

Result<Fd> open_tcp(const TcpAddress& address, const ListenOptions& options) {
  sockaddr_storage storage{};
  const Result<socklen_t> length = to_kernel(address, storage);
  if (!length) return std::unexpected(length.error());
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return bind_error(address, errno);
  const int on = 1;
  const int off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (storage.ss_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (options.reuse_port && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return bind_error(address, errno);
  }
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), *length) != 0 ||
      (options.listens && ::listen(fd.get(), limits::kListenBacklog) != 0)) {
    return bind_error(address, errno);
  }
  return fd;
}

// Removes what a killed process left behind. Refuses what is no socket, and a socket that answers.
Result<void> clear_stale(const UnixAddress& address, const sockaddr_un& path) {
  struct stat status{};
  if (::lstat(address.path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return fail(ErrorCode::ConfigInvalid,
                doing(address) + ": there is something at this path that is not a socket");
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.is_open()) return bind_error(address, errno);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path) == 0 ||
      errno != ECONNREFUSED) {  // EAGAIN: its backlog is full. EACCES: not ours to judge.
    return fail(ErrorCode::AddressInUse,
                doing(address) +
                    ": address in use, another broker or edge runs; stop it first, or "
                    "choose another path");
  }
  if (::unlink(address.path.c_str()) != 0) return bind_error(address, errno);
  return {};
}

Result<Fd> open_unix(const UnixAddress& address, const ListenOptions& options) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  if (address.path.empty() || address.path.size() >= sizeof path.sun_path) {
    return fail(ErrorCode::ConfigInvalid, doing(address) + ": the path has 1 to 107 bytes");
  }
  std::memcpy(path.sun_path, address.path.data(), address.path.size());
  // Two processes that start at once must not each take the other's fresh file for a stale one.
  const std::string folder = std::filesystem::path(address.path).parent_path().string();
  const Fd lock(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.is_open()) ::flock(lock.get(), LOCK_EX);

  const Result<void> cleared = clear_stale(address, path);
  if (!cleared) return std::unexpected(cleared.error());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.is_open() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&path), sizeof path) != 0) {
    return bind_error(address, errno);
  }
  // Between bind and listen nobody can connect, so nobody meets the wrong mode.
  if (::chmod(address.path.c_str(), options.unix_mode) != 0 ||
      ::listen(fd.get(), limits::kListenBacklog) != 0) {
    return bind_error(address, errno);
  }
  return fd;
}

}  // namespace

Result<Fd> open_listening_socket(const Address& address, const ListenOptions& options) {
  if (const auto* tcp = std::get_if<TcpAddress>(&address)) return open_tcp(*tcp, options);
  return open_unix(std::get<UnixAddress>(address), options);
}

Listener::Listener(Loop& loop, Fd socket, ListenerCounters& counters, OnConnection on_connection)
    : loop_(loop),
      counters_(counters),
      on_connection_(std::move(on_connection)),
      fd_(std::move(socket)),
      retry_(loop, [this] { watch(); }) {
  if (Result<Address> bound = local_address(fd_.get())) address_ = *std::move(bound);
  tune_connected(fd_.get());  // Accepted sockets inherit it: two system calls less for each.
  auto handle = std::make_unique<uv_poll_s>();
  TAKO_CHECK(uv_poll_init(loop.raw(), handle.get(), fd_.get()) == 0);
  handle->data = this;
  handle_.reset(handle.release());
  watch();
}

Listener::~Listener() {
  const auto* local = std::get_if<UnixAddress>(&address_);
  if (!owns_file_ || local == nullptr) return;
  struct stat status{};
  if (::lstat(local->path.c_str(), &status) == 0 && status.st_dev == file_device_ &&
      status.st_ino == file_inode_) {
    ::unlink(local->path.c_str());
  }
}

void Listener::own_file() {
  const auto* local = std::get_if<UnixAddress>(&address_);
  struct stat status{};
  if (local == nullptr || ::lstat(local->path.c_str(), &status) != 0) return;
  file_device_ = status.st_dev;
  file_inode_ = status.st_ino;
  owns_file_ = true;
}

void Listener::pause() {
  is_paused_ = true;
  retry_.stop();
  uv_poll_stop(handle_.get());
}

void Listener::resume() {
  is_paused_ = false;
  watch();
}

void Listener::watch() {
  if (!is_paused_) uv_poll_start(handle_.get(), UV_READABLE, on_event);
}

void Listener::on_event(uv_poll_s* handle, int /*status*/, int /*events*/) noexcept {
  auto* self = static_cast<Listener*>(handle->data);
  // on_connection may destroy or pause the listener; the handle stays until libuv has closed it.
  for (std::size_t i = 0; i < limits::kAcceptsPerTurn; ++i) {
    if (handle->data == nullptr || self->is_paused_ || !self->accept_one()) return;
  }
  if (handle->data != nullptr) ++self->counters_.turns_full;
}

bool Listener::accept_one() {
  Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.is_open()) {
    ++counters_.accepted;
    on_connection_(std::make_unique<Stream>(loop_, std::move(fd)));
    return true;
  }
  switch (errno) {
    case EAGAIN:
      return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      wait_for_descriptors();
      return false;
    default:  // The connection was gone before we took it, or a signal came.
      ++counters_.accept_errors;
      return true;
  }
}

// The backlog stays readable, so without a pause the loop would spin until somebody leaves.
void Listener::wait_for_descriptors() {
  ++counters_.descriptors_exhausted;
  uv_poll_stop(handle_.get());
  retry_.start_once(std::chrono::milliseconds{limits::kAcceptRetryMs});
}

}  // namespace tako::uv
