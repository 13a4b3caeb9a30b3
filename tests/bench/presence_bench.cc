// What a crowd that joins one channel with presence costs: N members within five seconds, each of
// whom is told of all others; then the same room idle.
//
//   presence_bench [N]           10,000 unless said; real broker, edge and clients on this machine
//
// Printed: CPU of edge and broker, bytes that clients were sent, the time until all lists agree.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// The support of the tests reports faults through doctest.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "tests/support/cluster.h"

namespace tako::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kJoinSeconds = 5;
constexpr double kIdleSeconds = 5;
constexpr std::chrono::minutes kPatienceOfAll{5};
constexpr std::string_view kDefinitions =
    R"([{"name":"room","auth":{},"keepaliveIntervalMs":600000,"presence":{"membersMax":100000}}])";

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

// User and system time of a process.
double cpu_seconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  text.erase(0, text.rfind(')') + 2);  // The name may hold blanks.
  double ticks = 0;
  std::size_t at = 0;
  for (int field = 3; field <= 15; ++field) {
    const std::size_t end = text.find(' ', at);
    if (field >= 14) ticks += std::stod(text.substr(at, end - at));
    at = end + 1;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::size_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Counts how often a text occurs in a stream of pieces.
class Occurrences {
 public:
  void add(std::string_view piece) {
    for (const char byte : piece) {
      matched_ = byte == kText[matched_] ? matched_ + 1 : (byte == kText[0] ? 1U : 0U);
      if (matched_ < kText.size()) continue;
      ++count_;
      matched_ = 0;
    }
  }
  std::size_t take() { return std::exchange(count_, 0); }

 private:
  static constexpr std::string_view kText = R"("since":)";  // Once for each member that is there.
  std::size_t matched_ = 0;
  std::size_t count_ = 0;
};

// One member's connection. Frames are counted as they pass, and never held.
class Member {
 public:
  Member(int fd, std::size_t number) : fd_(fd), number_(number) {}
  ~Member() { close(fd_); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  [[nodiscard]] std::size_t listed() const { return listed_; }

  void say_hello(std::string_view host) const {
    const std::string request =
        "GET /_tako/channels/room?_presence=list HTTP/1.1\r\nHost: " + std::string(host) +
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: tako.v1\r\n"
        "Authorization: Bearer member" +
        std::to_string(number_) + "\r\n\r\n";
    if (write(fd_, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("a handshake can't be sent");
    }
  }

  // Returns how many bytes there were.
  std::size_t read_all(std::vector<char>& buffer) {
    std::size_t sum = 0;
    for (;;) {
      const ssize_t got = read(fd_, buffer.data(), buffer.size());
      if (got < 0 && errno == EAGAIN) return sum;
      if (got <= 0) throw std::runtime_error("a member's connection ended");
      sum += static_cast<std::size_t>(got);
      take({buffer.data(), static_cast<std::size_t>(got)});
    }
  }

 private:
  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (left_ == 0) {
        if (!take_head(bytes)) return;
        continue;
      }
      const std::string_view piece = bytes.substr(0, left_);
      if (start_.size() < kStartBytes) start_ += piece.substr(0, kStartBytes - start_.size());
      members_.add(piece);
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
      if (left_ == 0) end_frame();
    }
  }

  // Of the HTTP answer, or of a frame. False: it is not whole yet.
  bool take_head(std::string_view& bytes) {
    head_ += bytes.front();
    bytes.remove_prefix(1);
    if (!is_open_) {
      if (!head_.ends_with("\r\n\r\n")) return true;
      if (!head_.starts_with("HTTP/1.1 101")) throw std::runtime_error("refused: " + head_);
      is_open_ = true;
      head_.clear();
      return true;
    }
    if (head_.size() < 2) return true;
    const auto length = static_cast<unsigned char>(head_[1]);
    const std::size_t width = length < 126 ? 0 : (length == 126 ? 2 : 8);
    if (head_.size() < 2 + width) return true;
    left_ = width == 0 ? length : 0;
    for (std::size_t i = 0; i < width; ++i) {
      left_ = left_ << 8U | static_cast<unsigned char>(head_[2 + i]);
    }
    head_.clear();
    start_.clear();
    return true;
  }

  void end_frame() {
    const std::size_t told = members_.take();
    if (!start_.starts_with(R"({"type":"tako.presence")")) return;
    const bool is_list = start_.find(R"("after":)") == std::string::npos;
    if (!is_list && value_of("after") != version_) {
      throw std::runtime_error("a change does not fit: " + start_ + " behind " + version_);
    }
    listed_ = is_list ? told : listed_ + told;
    version_ = value_of("version");
  }

  [[nodiscard]] std::string value_of(std::string_view name) const {
    const std::string member = '"' + std::string(name) + R"(":")";
    const std::size_t at = start_.find(member) + member.size();
    return start_.substr(at, start_.find('"', at) - at);
  }

  static constexpr std::size_t kStartBytes = 160;

  int fd_;
  std::size_t number_;
  bool is_open_ = false;
  std::string head_;
  std::string start_;  // of the frame
  std::size_t left_ = 0;
  Occurrences members_;
  std::size_t listed_ = 0;
  std::string version_;
};

class Crowd {
 public:
  explicit Crowd(Endpoint edge) : edge_(std::move(edge)), epoll_(epoll_create1(0)) {}
  ~Crowd() { close(epoll_); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  void join() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const std::size_t colon = edge_.find(':');
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(edge_.substr(colon + 1))));
    inet_pton(AF_INET, edge_.substr(0, colon).c_str(), &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("can't connect: " + std::string(std::strerror(errno)));
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    Member& member = *members_.emplace_back(std::make_unique<Member>(fd, members_.size()));
    member.say_hello(edge_);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &member}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void read_for(int ms) {
    std::vector<epoll_event> events(512);
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), ms);
    for (int i = 0; i < count; ++i) {
      auto& member = *static_cast<Member*>(events[static_cast<std::size_t>(i)].data.ptr);
      const bool agreed = member.listed() == target_;
      bytes_ += member.read_all(buffer_);
      if (!agreed && member.listed() == target_) ++agreed_;
      if (agreed && member.listed() != target_) --agreed_;
    }
  }

  // Returns when every member lists `count`.
  void read_until_all_list(std::size_t count) {
    target_ = count;
    agreed_ = 0;
    for (const auto& member : members_) agreed_ += member->listed() == count ? 1U : 0U;
    const auto deadline = Clock::now() + kPatienceOfAll;
    while (agreed_ < members_.size()) {
      if (Clock::now() > deadline) throw std::runtime_error("the lists do not agree");
      read_for(100);
    }
  }

 private:
  Endpoint edge_;
  int epoll_;
  std::vector<std::unique_ptr<Member>> members_;
  std::vector<char> buffer_ = std::vector<char>(1U << 18U);
  std::uint64_t bytes_ = 0;
  std::size_t target_ = 0;
  std::size_t agreed_ = 0;
};

void allow_files(std::size_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, count);
  setrlimit(RLIMIT_NOFILE, &limit);
}

StubReply by_token(const Json& call) {
  return {.body = R"({"ok":true,"subject":)" + call["header"]["value"].print() + "}"};
}

void run(std::size_t members) {
  allow_files(members + 1'024);
  Cluster tako({.definitions = std::string(kDefinitions)});
  tako.app().on_authorize(by_token);
  const pid_t edge = tako.edge_process().pid();
  const pid_t broker = tako.broker().pid();
  const std::size_t resident_before = resident_bytes(edge) + resident_bytes(broker);
  const double edge_before = cpu_seconds(edge);
  const double broker_before = cpu_seconds(broker);
  Crowd crowd(tako.edge());
  const auto began = Clock::now();
  while (crowd.size() < members) {
    const double due = seconds_since(began) / kJoinSeconds * static_cast<double>(members);
    while (crowd.size() < std::min(members, static_cast<std::size_t>(due))) crowd.join();
    crowd.read_for(1);
  }
  const double joined = seconds_since(began);
  crowd.read_until_all_list(members);
  const double agreed = seconds_since(began);
  const double all = static_cast<double>(members);
  std::printf("%zu members joined in %.1f s; all lists agree after %.1f s (%.1f s later)\n",
              members, joined, agreed, agreed - joined);
  std::printf("CPU: edge %.2f s, broker %.2f s\n", cpu_seconds(edge) - edge_before,
              cpu_seconds(broker) - broker_before);
  std::printf("sent to clients: %.0f MB, %.1f B for each member on each list\n",
              static_cast<double>(crowd.bytes()) / 1e6,
              static_cast<double>(crowd.bytes()) / all / all);
  const std::uint64_t bytes_before = crowd.bytes();
  const double idle_before = cpu_seconds(edge) + cpu_seconds(broker);
  const auto idle_began = Clock::now();
  while (seconds_since(idle_began) < kIdleSeconds) crowd.read_for(100);
  std::printf(
      "idle: CPU %.1f ms/s, %llu B sent in %.0f s, %.0f B of memory per member\n",
      (cpu_seconds(edge) + cpu_seconds(broker) - idle_before) / kIdleSeconds * 1e3,
      static_cast<unsigned long long>(crowd.bytes() - bytes_before), kIdleSeconds,
      static_cast<double>(resident_bytes(edge) + resident_bytes(broker) - resident_before) / all);
}

}  // namespace
}  // namespace tako::test

int main(int argc, char** argv) {
  try {
    tako::test::run(argc > 1 ? std::stoul(argv[1]) : 10'000);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "presence_bench: %s\n", error.what());
    return 1;
  }
}
