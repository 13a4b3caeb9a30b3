// One thread accepts, one serves each connection; stop() shuts the sockets, which ends the threads.
#include "tests/support/stub_app.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

namespace tako::test {
namespace {

int bind_unix(const std::string& path) {
  unlink(path.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw TestFailure("the stub app cannot bind " + path + ": " + std::strerror(errno));
  }
  return fd;
}

// Binds, and writes the port that the kernel chose into `endpoint`.
int bind_tcp(Endpoint& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(std::stoi(endpoint.substr(colon + 1))));
  inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) {
    throw TestFailure("the stub app cannot bind " + endpoint + ": " + std::strerror(errno));
  }
  endpoint = endpoint.substr(0, colon + 1) + std::to_string(ntohs(address.sin_port));
  return fd;
}

std::string chunk(std::string_view bytes) {
  std::array<char, 20> size;
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return std::string(size.data()) + std::string(bytes) + "\r\n";
}

StubReply text_reply(std::string text) {
  return {.status = 200, .body = std::move(text), .headers = {{"Content-Type", "text/plain"}}};
}

bool inspect(const StubRequest& request, HttpStream& stream) {
  static_cast<void>(stream.read_body());
  stream.write(response_bytes(text_reply(request.head.raw)));
  return true;
}

bool echo(const StubRequest& request, HttpStream& stream) {
  static_cast<void>(request);
  stream.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  while (const auto piece = stream.read_body_some()) stream.write(chunk(*piece));
  stream.write("0\r\n\r\n");
  return true;
}

bool count(const StubRequest& request, HttpStream& stream) {
  static_cast<void>(request);
  std::size_t bytes = 0;
  while (const auto piece = stream.read_body_some()) bytes += piece->size();
  stream.write(response_bytes({.body = "{\"bytes\":" + std::to_string(bytes) + "}"}));
  return true;
}

bool upgrade(const StubRequest& request, HttpStream& stream) {
  stream.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " +
               request.head.header("upgrade").value_or("none") + "\r\n\r\n");
  for (;;) {
    const ReadResult result = stream.read_raw(std::chrono::minutes(5));
    if (result.kind != ReadResult::Kind::Bytes) return false;
    stream.write(result.bytes);
  }
}

}  // namespace

std::string response_bytes(const StubReply& reply) {
  std::string bytes = "HTTP/1.1 " + std::to_string(reply.status) + " Stub\r\n";
  for (const Header& header : reply.headers) bytes += header.name + ": " + header.value + "\r\n";
  bytes += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n";
  return bytes + reply.body;
}

StubApp::StubApp(Endpoint endpoint)
    : endpoint_(std::move(endpoint)),
      routes_{{"/inspect", inspect}, {"/echo", echo}, {"/count", count}, {"/upgrade", upgrade}} {
  authorize_with({});
  start();
}

StubApp::~StubApp() { stop(); }

std::string StubApp::upstream() const {
  return endpoint_.starts_with(kUnixPrefix) ? endpoint_ : "http://" + endpoint_;
}

void StubApp::start() {
  const bool is_unix = endpoint_.starts_with(kUnixPrefix);
  const int listener =
      is_unix ? bind_unix(endpoint_.substr(kUnixPrefix.size())) : bind_tcp(endpoint_);
  if (listen(listener, 1024) != 0) throw TestFailure("the stub app cannot listen");
  wake_ = eventfd(0, EFD_CLOEXEC);
  stopping_ = false;
  acceptor_ = std::jthread([this, listener, wake = wake_] { accept_loop(listener, wake); });
}

void StubApp::stop() {
  if (!acceptor_.joinable()) return;
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) != sizeof one) std::terminate();
  acceptor_.join();
  ::close(wake_);
  std::list<Connection> ended;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const Connection& connection : connections_) {
      if (connection.fd >= 0) ::shutdown(connection.fd, SHUT_RDWR);
    }
    ended.swap(connections_);
  }
  stopped_.notify_all();
  ended.clear();  // Joins the threads.
}

void StubApp::accept_loop(int listener, int wake) {
  std::array<pollfd, 2> watched{pollfd{.fd = listener, .events = POLLIN, .revents = 0},
                                pollfd{.fd = wake, .events = POLLIN, .revents = 0}};
  while (poll(watched.data(), watched.size(), -1) >= 0 && watched[1].revents == 0) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    ++connection_count_;
    connections_.push_back({.fd = fd, .thread = std::jthread([this, fd] { serve(fd); })});
  }
  ::close(listener);
}

void StubApp::serve(int fd) {
  {
    HttpStream stream{Socket(fd)};
    bool goes_on = true;
    while (goes_on) {
      try {
        goes_on = serve_one(stream);
      } catch (const TestFailure&) {
        goes_on = false;  // The edge hung up, or stop() came: the test sees it from outside.
      }
    }
    const std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
      if (connection.fd == fd)
        connection.fd = -1;  // Closed by `stream`; the number may come again.
    }
  }
}

bool StubApp::serve_one(HttpStream& stream) {
  auto head = stream.read_head(std::chrono::minutes(5));
  if (!head) return false;
  StubRequest request{.head = *head};
  const std::string& line = head->start_line;
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
  stream.begin_body(Framing::of_request(*head));
  if (request.path().starts_with("/channels/")) return serve_call(std::move(request), stream);
  {
    const std::lock_guard lock(mutex_);
    proxied_.push_back(request);
  }
  return serve_route(request, stream);
}

bool StubApp::serve_call(StubRequest request, HttpStream& stream) {
  request.body = stream.read_body();
  const StubReply reply = decide(request);
  std::unique_lock lock(mutex_);
  if (reply.never) {
    stopped_.wait(lock, [this] { return stopping_; });
    return false;
  }
  if (stopped_.wait_for(lock, reply.delay, [this] { return stopping_; })) return false;
  lock.unlock();
  stream.write(response_bytes(reply));
  return true;
}

StubReply StubApp::decide(const StubRequest& request) {
  Answer answer;
  {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(request.path());
    if (found == calls_.end()) {
      proxied_.push_back(request);
      return {.status = 404, .body = "{}"};
    }
    found->second.seen.push_back(request);
    answer = found->second.answer;
  }
  return answer(request.json());
}

bool StubApp::serve_route(const StubRequest& request, HttpStream& stream) {
  Route route;
  {
    const std::lock_guard lock(mutex_);
    const auto found = routes_.find(request.path());
    if (found != routes_.end()) route = found->second;
  }
  if (route) return route(request, stream);
  static_cast<void>(stream.read_body());
  stream.write(response_bytes(text_reply("app " + request.target)));
  return true;
}

void StubApp::on_call(const std::string& path, Answer answer) {
  const std::lock_guard lock(mutex_);
  calls_[path].answer = std::move(answer);
}

void StubApp::authorize_with(StubReply reply) {
  on_authorize([reply = std::move(reply)](const Json&) { return reply; });
}

void StubApp::dispatch_with(StubReply reply) {
  on_dispatch([reply = std::move(reply)](const Json&) { return reply; });
}

void StubApp::on(std::string path, Route route) {
  const std::lock_guard lock(mutex_);
  routes_[std::move(path)] = std::move(route);
}

std::vector<StubRequest> StubApp::calls(std::string_view path) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(path);
  return found == calls_.end() ? std::vector<StubRequest>() : found->second.seen;
}

std::vector<StubRequest> StubApp::wait_for_calls(std::string_view path, std::size_t count) const {
  wait_until("call " + std::to_string(count) + " of " + std::string(path),
             [&] { return calls(path).size() >= count; });
  return calls(path);
}

std::vector<StubRequest> StubApp::proxied_requests() const {
  const std::lock_guard lock(mutex_);
  return proxied_;
}

std::size_t StubApp::connection_count() const {
  const std::lock_guard lock(mutex_);
  return connection_count_;
}

}  // namespace tako::test
