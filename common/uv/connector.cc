// Resolves, connects, and gives up in time.
#include "common/uv/connector.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "common/check.h"
#include "common/uv/loop.h"

namespace tako::uv {

namespace {

// A unix listener whose backlog is full answers EAGAIN and tells nobody when there is room.
constexpr std::chrono::milliseconds kBacklogRetry{10};

struct Candidate {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

template <typename Kernel>
Candidate candidate_of(const Kernel& address) {
  Candidate candidate;
  std::memcpy(&candidate.storage, &address, sizeof address);
  candidate.length = sizeof address;
  return candidate;
}

Candidate unix_candidate(const UnixAddress& address) {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  std::memcpy(path.sun_path, address.path.data(),
              std::min(address.path.size(), sizeof path.sun_path - 1));
  return candidate_of(path);
}

std::optional<Candidate> numeric_candidate(const TcpAddress& address) {
  sockaddr_in ipv4{};
  if (inet_pton(AF_INET, address.host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    return candidate_of(ipv4);
  }
  sockaddr_in6 ipv6{};
  if (inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    return candidate_of(ipv6);
  }
  return std::nullopt;
}

}  // namespace

class Connector::Impl {
 public:
  Impl(Loop& loop, Address address, std::chrono::milliseconds timeout, OnDone on_done)
      : loop_(loop),
        address_(std::move(address)),
        on_done_(std::move(on_done)),
        begin_(loop, [this] { begin(); }),
        deadline_(loop, [this] { time_out(); }),
        retry_(loop, [this] { try_current(); }) {
    begin_.schedule();
    deadline_.start_once(timeout);
  }
  ~Impl() {
    if (lookup_ == nullptr) return;
    lookup_->data = nullptr;  // The callback frees it, whether cancelling works or not.
    uv_cancel(reinterpret_cast<uv_req_t*>(lookup_));
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  void begin() {
    if (const auto* local = std::get_if<UnixAddress>(&address_)) {
      candidates_.push_back(unix_candidate(*local));
    } else if (const auto numeric = numeric_candidate(std::get<TcpAddress>(address_))) {
      candidates_.push_back(*numeric);
    } else {
      look_up(std::get<TcpAddress>(address_));
      return;
    }
    try_current();
  }

  void look_up(const TcpAddress& address) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    auto request = std::make_unique<uv_getaddrinfo_t>();
    request->data = this;
    const int status =
        uv_getaddrinfo(loop_.raw(), request.get(), on_looked_up, address.host.c_str(),
                       std::to_string(address.port).c_str(), &hints);
    if (status != 0) {
      give_up(uv_strerror(status));
      return;
    }
    lookup_ = request.release();  // libuv's until on_looked_up.
  }

  static void on_looked_up(uv_getaddrinfo_t* request, int status, addrinfo* found) noexcept {
    const std::unique_ptr<uv_getaddrinfo_t> owned(request);
    const std::unique_ptr<addrinfo, decltype(&uv_freeaddrinfo)> list(found, uv_freeaddrinfo);
    auto* self = static_cast<Impl*>(request->data);
    if (self == nullptr) return;  // Cancelled.
    self->lookup_ = nullptr;
    if (status != 0) {
      self->give_up(uv_strerror(status));
      return;
    }
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      Candidate candidate;
      std::memcpy(&candidate.storage, entry->ai_addr, entry->ai_addrlen);
      candidate.length = entry->ai_addrlen;
      self->candidates_.push_back(candidate);
    }
    self->try_current();
  }

  // Tries the candidates from current_ on, until one is under way or none is left.
  void try_current() {
    for (; current_ < candidates_.size(); ++current_) {
      const Candidate& candidate = candidates_[current_];
      fd_ =
          Fd(::socket(candidate.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (!fd_.is_open()) {
        last_error_ = errno;
        continue;
      }
      const auto* address = reinterpret_cast<const sockaddr*>(&candidate.storage);
      if (::connect(fd_.get(), address, candidate.length) == 0) {
        succeed();
        return;
      }
      last_error_ = errno;
      if (last_error_ == EINPROGRESS) {
        wait_for_connect();
        return;
      }
      if (last_error_ == EAGAIN) {
        retry_.start_once(kBacklogRetry);
        return;
      }
    }
    give_up(std::generic_category().message(last_error_));
  }

  void wait_for_connect() {
    auto handle = std::make_unique<uv_poll_s>();
    TAKO_CHECK(uv_poll_init(loop_.raw(), handle.get(), fd_.get()) == 0);
    handle->data = this;
    poll_.reset(handle.release());
    uv_poll_start(poll_.get(), UV_WRITABLE, on_connect_event);
  }

  static void on_connect_event(uv_poll_s* handle, int /*status*/, int /*events*/) noexcept {
    if (handle->data != nullptr) static_cast<Impl*>(handle->data)->finish_connect();
  }

  void finish_connect() {
    int error_number = 0;
    socklen_t length = sizeof error_number;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error_number, &length);
    poll_.reset();
    if (error_number == 0) {
      succeed();
      return;
    }
    last_error_ = error_number;
    ++current_;
    try_current();
  }

  void succeed() {
    tune_connected(fd_.get());
    finish(std::make_unique<Stream>(loop_, std::move(fd_)));
  }

  void give_up(std::string_view reason) {
    finish(fail(ErrorCode::UpstreamUnavailable,
                "connect to " + to_string(address_) + ": " + std::string(reason)));
  }

  void time_out() {
    finish(fail(ErrorCode::UpstreamTimeout,
                "connect to " + to_string(address_) + ": no answer in time"));
  }

  // Last, since the callback may destroy *this.
  void finish(Result<std::unique_ptr<Stream>> result) {
    deadline_.stop();
    retry_.stop();
    poll_.reset();
    const OnDone done = std::move(on_done_);
    done(std::move(result));
  }

  Loop& loop_;
  const Address address_;
  OnDone on_done_;
  TurnEndTask begin_;
  Timer deadline_;
  Timer retry_;
  uv_getaddrinfo_t* lookup_ = nullptr;
  std::vector<Candidate> candidates_;
  std::size_t current_ = 0;
  int last_error_ = 0;
  Fd fd_;  // Before poll_, so that it is closed after libuv has stopped watching it.
  OwnedHandle<uv_poll_s> poll_;
};

Connector::Connector(Loop& loop, Address address, std::chrono::milliseconds timeout, OnDone on_done)
    : impl_(std::make_unique<Impl>(loop, std::move(address), timeout, std::move(on_done))) {}

Connector::~Connector() = default;

}  // namespace tako::uv
