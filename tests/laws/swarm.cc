// One epoll loop for all subscribers of the law test.
#include "tests/laws/swarm.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <utility>

#include "tests/support/wait.h"

namespace tako::test {
namespace {

enum class Wire : std::uint8_t { SseStatus, SseEvents, WsPlain, WsRich };
constexpr std::array kWires = {Wire::SseStatus, Wire::SseEvents, Wire::WsPlain, Wire::WsRich};
constexpr std::array<std::string_view, 4> kWireNames = {"sse", "sse-events", "ws", "ws-rich"};

constexpr std::int64_t kTickMs = 10;
constexpr std::int64_t kRefusedPauseMs = 200;
constexpr std::int64_t kConnectPatienceMs = 20'000;
// Who has read less than this at once had room for all that was sent: nothing waits in the kernel.
constexpr std::size_t kReadsAtOnce = 8 * 1024;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::size_t subject_of(int index, const SwarmOptions& options) {
  return static_cast<std::size_t>(index) / options.channels.size() %
         static_cast<std::size_t>(options.subjects);
}

int open_socket(const Endpoint& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
  inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw TestFailure("no descriptor for a subscriber");
  // A small receive buffer makes a stalled reader felt soon.
  const int receive_bytes = 32 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace

struct Swarm::Subscriber {
  Wire wire = Wire::SseStatus;
  bool is_stranger = false;
  int subject = -1;              // of private channels
  bool is_allowed = false;       // the app has said yes to this connection, as far as it can tell
  bool is_disconnected = false;  // the app is taking back what this connection has
  int fd = -1;
  bool is_stalled = false;
  std::int64_t wake_at = 0;  // reconnect, or read on
  std::int64_t connected_at = 0;
  bool has_started = false;  // the server said where, or (plain) upgraded
  bool expects_gap = false;  // started elsewhere than at the cursor: a gap must be told
  std::string expected_start;
  std::string cursor;  // last id; empty: none
  std::unique_ptr<WireReader> reader;
  SubscriptionHistory history;
  mutable std::mutex last_mutex;
  SeenPosition last;  // guarded by last_mutex

  void record(SeenEvent event) {
    history.events.push_back(event);
    const std::scoped_lock lock(last_mutex);
    last = event.position;
  }
};

Swarm::Swarm(SwarmOptions options) : options_(std::move(options)), random_(options_.seed) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::uint16_t> privates;
  for (std::size_t i = 0; i < options_.channels.size(); ++i) {
    if (options_.channels[i].is_private) privates.push_back(static_cast<std::uint16_t>(i));
  }
  for (int i = 0; i < options_.subscribers + options_.strangers; ++i) {
    auto subscriber = std::make_unique<Subscriber>();
    const auto index = static_cast<std::size_t>(i);
    subscriber->is_stranger = i >= options_.subscribers;
    subscriber->wire = kWires.at((index / options_.channels.size() + index) % kWires.size());
    subscriber->history.channel =
        subscriber->is_stranger ? privates.at(index % privates.size())
                                : static_cast<std::uint16_t>(index % options_.channels.size());
    subscriber->history.is_authorized = !subscriber->is_stranger;
    if (!subscriber->is_stranger && options_.channels.at(subscriber->history.channel).is_private) {
      subscriber->subject = static_cast<int>(subject_of(i, options_));
    }
    subscriber->history.name =
        std::string(kWireNames.at(static_cast<std::size_t>(subscriber->wire))) + " #" +
        std::to_string(i);
    subscriber->wake_at = now_ms() + static_cast<std::int64_t>(below(1'000));
    subscribers_.push_back(std::move(subscriber));
  }
  thread_ = std::thread([this] {
    try {
      run();
    } catch (...) {
      failure_ = std::current_exception();
    }
  });
}

Swarm::~Swarm() {
  is_finished_ = true;
  if (thread_.joinable()) thread_.join();
  for (const auto& subscriber : subscribers_) {
    if (subscriber->fd >= 0) close(subscriber->fd);
  }
  close(epoll_);
}

std::vector<SubscriptionHistory> Swarm::finish() {
  is_finished_ = true;
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  std::vector<SubscriptionHistory> histories;
  for (const auto& subscriber : subscribers_) histories.push_back(std::move(subscriber->history));
  return histories;
}

std::size_t Swarm::count_at(const std::vector<SeenPosition>& heads) const {
  std::size_t count = 0;
  for (const auto& subscriber : subscribers_) {
    if (subscriber->is_stranger) continue;
    const std::scoped_lock lock(subscriber->last_mutex);
    if (subscriber->last == heads.at(subscriber->history.channel)) ++count;
  }
  return count;
}

std::size_t Swarm::authorized() const { return static_cast<std::size_t>(options_.subscribers); }

void Swarm::run() {
  std::array<epoll_event, 128> events{};
  std::int64_t next_tick = now_ms();
  while (!is_finished_) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), kTickMs);
    for (int i = 0; i < count; ++i) {
      auto* subscriber = static_cast<Subscriber*>(events.at(static_cast<std::size_t>(i)).data.ptr);
      if (subscriber->fd >= 0 && !subscriber->is_stalled) on_readable(*subscriber);
    }
    do_work();
    if (now_ms() < next_tick) continue;
    next_tick = now_ms() + kTickMs;
    tick();
  }
}

void Swarm::do_work() {
  const std::scoped_lock lock(work_mutex_);
  if (work_ == nullptr) return;
  (*std::exchange(work_, nullptr))();
  work_done_.notify_all();
}

void Swarm::run_in_thread(const std::function<void()>& work) {
  std::unique_lock lock(work_mutex_);
  work_ = &work;
  const bool is_done =
      work_done_.wait_for(lock, std::chrono::minutes(1), [this] { return work_ == nullptr; });
  work_ = nullptr;
  if (!is_done) throw TestFailure("the swarm's thread does not answer");
}

void Swarm::before_disconnect(int subject) {
  run_in_thread([this, subject] {
    for (const auto& subscriber : subscribers_) {
      if (subscriber->subject != subject) continue;
      subscriber->is_disconnected = subscriber->fd >= 0 && subscriber->is_allowed;
    }
  });
}

std::size_t Swarm::after_disconnect(int subject, std::uint32_t next_number) {
  std::size_t met = 0;
  run_in_thread([this, subject, next_number, &met] {
    for (const auto& subscriber : subscribers_) {
      if (subscriber->subject != subject || !subscriber->is_disconnected) continue;
      ++met;
      settle(*subscriber, next_number);
    }
  });
  return met;
}

// What is read until nothing is there may have been sent before the acknowledgement.
void Swarm::settle(Subscriber& subscriber, std::uint32_t next_number) {
  std::size_t bytes = 0;
  while (!subscriber.is_stalled && subscriber.is_disconnected) {
    const std::size_t got = on_readable(subscriber);
    if (got == 0) break;
    bytes += got;
  }
  if (!subscriber.is_disconnected) return;  // It has ended, as it should.
  const bool has_read_all = !subscriber.is_stalled && bytes < kReadsAtOnce;
  subscriber.history.events.push_back(
      {.kind = SeenEvent::Kind::Revoked, .number = has_read_all ? 0 : next_number, .position = {}});
  subscriber.is_disconnected = false;
}

void Swarm::tick() {
  const std::int64_t now = now_ms();
  for (const auto& subscriber : subscribers_) {
    const bool is_due = subscriber->wake_at != 0 && (is_calm_ || now >= subscriber->wake_at);
    if (is_due && subscriber->fd >= 0) {
      subscriber->is_stalled = false;
      subscriber->wake_at = 0;
      epoll_event event{.events = EPOLLIN, .data = {.ptr = subscriber.get()}};
      epoll_ctl(epoll_, EPOLL_CTL_MOD, subscriber->fd, &event);
    } else if (subscriber->fd < 0 && now >= subscriber->wake_at) {
      connect(*subscriber);
    } else if (subscriber->fd >= 0 && !subscriber->has_started && !subscriber->is_stalled &&
               now - subscriber->connected_at > kConnectPatienceMs) {
      throw TestFailure(subscriber->history.name + " was never answered");
    }
  }
  if (is_calm_ || !options_.is_restless) return;
  const auto period = static_cast<std::uint64_t>(options_.disturbed_each_ms);
  const std::uint64_t share = subscribers_.size() * kTickMs;
  const std::uint64_t count = share / period + (below(period) < share % period ? 1 : 0);
  for (std::uint64_t i = 0; i < count; ++i) {
    disturb(*subscribers_.at(below(subscribers_.size())));
  }
}

void Swarm::disturb(Subscriber& subscriber) {
  if (subscriber.fd < 0 || subscriber.is_stalled) return;
  const std::uint64_t dice = below(10);
  if (dice < 4) {
    ++stalls_;
    subscriber.is_stalled = true;
    subscriber.wake_at = now_ms() + 50 + static_cast<std::int64_t>(below(1'500));
    epoll_event event{.events = 0, .data = {.ptr = &subscriber}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, subscriber.fd, &event);
  } else if (dice < 8) {
    ++drops_;
    drop(subscriber, dice < 6, static_cast<std::int64_t>(below(800)));
  }
}

void Swarm::connect(Subscriber& subscriber) {
  subscriber.fd = open_socket(options_.edge);
  if (subscriber.fd < 0) {
    subscriber.wake_at = now_ms() + kRefusedPauseMs;
    return;
  }
  subscriber.wake_at = 0;
  subscriber.connected_at = now_ms();
  ++connected_;
  subscriber.has_started = false;
  subscriber.is_allowed = false;
  subscriber.expects_gap = false;
  subscriber.reader = std::make_unique<WireReader>(subscriber.wire == Wire::WsPlain ||
                                                   subscriber.wire == Wire::WsRich);
  const std::string head = request(subscriber);
  if (send(subscriber.fd, head.data(), head.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(head.size())) {
    drop(subscriber, true, kRefusedPauseMs);
    return;
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &subscriber}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, subscriber.fd, &event);
}

void Swarm::drop(Subscriber& subscriber, bool with_reset, std::int64_t pause_ms) {
  if (with_reset) {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(subscriber.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  close(subscriber.fd);
  --connected_;
  subscriber.fd = -1;
  subscriber.is_disconnected = false;
  subscriber.is_stalled = false;
  subscriber.wake_at = now_ms() + pause_ms;
}

std::string Swarm::request(const Subscriber& subscriber) const {
  const SwarmChannel& channel = options_.channels.at(subscriber.history.channel);
  std::string target = channel.target;
  const auto add = [&target](std::string_view pair) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += pair;
  };
  std::string headers = "Host: " + options_.edge + "\r\n";
  const bool is_ws = subscriber.wire == Wire::WsPlain || subscriber.wire == Wire::WsRich;
  if (is_ws) {
    headers +=
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  }
  if (subscriber.wire == Wire::WsRich) headers += "Sec-WebSocket-Protocol: tako.v1\r\n";
  if (subscriber.wire == Wire::SseEvents) add("_events=1");
  if (channel.is_private) {
    const std::string token =
        subscriber.is_stranger ? "bad" : "crowd-" + std::to_string(subscriber.subject);
    headers += "Authorization: Bearer " + token + "\r\n";
  }
  if (!subscriber.cursor.empty()) {
    if (is_ws) {
      add("last_message_id=" + subscriber.cursor);
    } else {
      headers += "Last-Event-ID: " + subscriber.cursor + "\r\n";
    }
  }
  return "GET " + target + " HTTP/1.1\r\n" + headers + "\r\n";
}

std::size_t Swarm::on_readable(Subscriber& subscriber) {
  std::array<char, 64 * 1024> buffer{};
  const ssize_t got = recv(subscriber.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got <= 0) {
    if (subscriber.has_started && !subscriber.is_stranger) ++ended_;
    drop(subscriber, false, static_cast<std::int64_t>(below(200)));
    return 0;
  }
  subscriber.reader->feed(
      std::string_view(buffer.data(), static_cast<std::size_t>(got)),
      [this, &subscriber](const WireItem& item) { return on_item(subscriber, item); });
  return static_cast<std::size_t>(got);
}

bool Swarm::on_item(Subscriber& subscriber, const WireItem& item) {
  switch (item.kind) {
    case WireItem::Kind::Head:
      return on_head(subscriber, item.status);
    case WireItem::Kind::Opening:
      on_started(subscriber, item.id);
      return true;
    case WireItem::Kind::Message:
      on_message(subscriber, item);
      return true;
    case WireItem::Kind::Control:
      on_control(subscriber, item.text);
      return true;
    case WireItem::Kind::Close:
      if (subscriber.has_started && !subscriber.is_stranger) ++ended_;
      if (item.status == 4410) on_gap(subscriber, {});
      drop(subscriber, false, static_cast<std::int64_t>(below(200)));
      return false;
  }
  return true;
}

bool Swarm::on_head(Subscriber& subscriber, int status) {
  if (status == 410) on_gap(subscriber, {});
  if (status == 101 && subscriber.wire == Wire::WsPlain) {
    on_opened(subscriber);
    subscriber.record(
        {.kind = subscriber.cursor.empty() ? SeenEvent::Kind::Fresh : SeenEvent::Kind::Resumed,
         .position = {}});
  }
  if (status == 200 || status == 101) return true;
  if (status != 410 && status != 503 && !(status == 403 && subscriber.is_stranger)) {
    throw TestFailure(subscriber.history.name + " got status " + std::to_string(status));
  }
  drop(subscriber, false, kRefusedPauseMs + static_cast<std::int64_t>(below(200)));
  return false;
}

void Swarm::on_opened(Subscriber& subscriber) {
  subscriber.has_started = true;
  subscriber.history.events.push_back({.kind = SeenEvent::Kind::Opened, .position = {}});
}

// The server says where the subscription begins.
void Swarm::on_started(Subscriber& subscriber, std::string_view id) {
  on_opened(subscriber);
  subscriber.is_allowed = true;
  if (!subscriber.cursor.empty() && subscriber.cursor != id) {
    subscriber.expects_gap = true;  // Told before or behind this; judged when a message comes.
    subscriber.expected_start = id;
    return;
  }
  subscriber.record(
      {.kind = subscriber.cursor.empty() ? SeenEvent::Kind::Fresh : SeenEvent::Kind::Resumed,
       .has_position = true,
       .position = parse_position(id)});
  subscriber.cursor = id;
}

void Swarm::on_message(Subscriber& subscriber, const WireItem& item) {
  if (subscriber.expects_gap) {
    subscriber.record({.kind = SeenEvent::Kind::Resumed,
                       .has_position = true,
                       .position = parse_position(subscriber.expected_start)});
    subscriber.expects_gap = false;
  }
  ++messages_;
  subscriber.is_allowed = true;  // All that a plain WebSocket is told of it.
  subscriber.cursor = item.id;
  subscriber.record({.kind = SeenEvent::Kind::Message,
                     .has_position = true,
                     .payload_channel = static_cast<std::uint16_t>(number_member(item.text, "c")),
                     .number = static_cast<std::uint32_t>(number_member(item.text, "n")),
                     .position = parse_position(item.id)});
}

void Swarm::on_control(Subscriber& subscriber, std::string_view text) {
  if (text.find("tako.gap") != std::string_view::npos) {
    on_gap(subscriber, string_member(text, "to"));
  } else if (text.find("\"tako.ready\"") != std::string_view::npos) {
    on_started(subscriber, string_member(text, "id"));
  }
}

// `to` empty: the subscription ends here, and the client begins anew without a cursor.
void Swarm::on_gap(Subscriber& subscriber, std::string_view to) {
  ++gaps_;
  subscriber.expects_gap = false;
  subscriber.cursor = to;
  subscriber.record({.kind = SeenEvent::Kind::Gap,
                     .has_position = !to.empty(),
                     .position = to.empty() ? SeenPosition{} : parse_position(to)});
}

}  // namespace tako::test
