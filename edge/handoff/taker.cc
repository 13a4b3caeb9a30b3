// Asks for what a predecessor holds, and goes on with it.
#include "edge/handoff/taker.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

#include "common/config/version.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

constexpr std::chrono::milliseconds kLook{5};
// For the log, links, the app behind, and new clients while the old ones come.
constexpr std::uint64_t kDescriptorsKept = 64;

std::uint64_t descriptors_free() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  std::error_code ignored;
  const std::filesystem::directory_iterator open("/proc/self/fd", ignored);
  const auto used = static_cast<std::uint64_t>(std::distance(begin(open), end(open)));
  return limit.rlim_cur > used + kDescriptorsKept ? limit.rlim_cur - used - kDescriptorsKept : 0;
}

// Also true of one that waits to be reaped.
bool is_dead(pid_t pid) {
  const uv::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.is_open()) return errno == ESRCH;
  pollfd look{.fd = process.get(), .events = POLLIN, .revents = 0};
  return poll(&look, 1, 0) > 0;
}

}  // namespace

Taker::Taker(const HandoffParts& parts, uv::Fd socket, TakerObserver& observer)
    : parts_(parts),
      observer_(observer),
      silent_since_ms_(parts.loop.monotonic_ms()),
      timer_(parts.loop, [this] { on_timer(); }),
      channel_(parts.loop, std::move(socket), parts.limits.handoff_frame_bytes_max, *this) {
  timer_.start_repeating(kLook);
  say_hello();
}

Taker::~Taker() = default;

void Taker::say_hello() {
  proto::HandoffFrame frame;
  proto::HandoffHello& hello = *frame.mutable_hello();
  hello.set_version_min(kHandoffVersionMin);
  hello.set_version_max(kHandoffVersionMax);
  hello.set_program_version(std::string(config::version()));
  hello.set_pid(getpid());
  hello.set_descriptors_free(descriptors_free());
  channel_.send(frame);
}

void Taker::on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd> fds) {
  if (state_ == State::Over) return;
  silent_since_ms_ = parts_.loop.monotonic_ms();
  if (frame.has_refused()) return fail("the running edge refuses: " + frame.refused().reason());
  if (frame.has_welcome() && state_ == State::Asking) {
    state_ = State::Taking;
    predecessor_pid_ = frame.welcome().pid();
    parts_.log.info("taking over", {{"from_pid", predecessor_pid_},
                                    {"from_version", frame.welcome().program_version()},
                                    {"clients_move", frame.welcome().version() != 0}});
    return;
  }
  if (state_ == State::Asking) return fail("an unexpected frame");
  if (frame.has_batch() && batch_ == nullptr)
    return on_batch(*frame.mutable_batch(), std::move(fds));
  const bool is_commit = frame.has_commit() && batch_ != nullptr && is_taken_ &&
                         frame.commit().number() == batch_->number;
  if (is_commit) return commit();
  if (!frame.has_done() || batch_ != nullptr) return fail("an unexpected frame");
  proto::HandoffFrame confirmed;
  confirmed.mutable_confirmed();
  channel_.send(confirmed);
  state_ = State::Trailing;
  observer_.on_taken_over();
}

void Taker::on_batch(proto::HandoffBatch& batch, std::vector<uv::Fd> fds) {
  batch_ = std::make_unique<Batch>();
  batch_->number = batch.number();
  batch_->control = {.stream = batch.control_stream(), .applied = batch.control_applied()};
  is_taken_ = false;
  if (!unpack_frame(batch, std::move(fds))) return fail("descriptors do not match their records");
  take_when_current();
}

bool Taker::unpack_frame(proto::HandoffBatch& batch, std::vector<uv::Fd> fds) {
  auto next = fds.begin();
  const auto left = [&] { return static_cast<std::size_t>(fds.end() - next); };
  for (const proto::ListenerRecord& record : batch.listeners()) {
    if (left() == 0) return false;
    batch_->listeners.push_back({.kind = static_cast<ListenerKind>(record.role()),
                                 .owns_file = record.owns_file(),
                                 .socket = std::move(*next++)});
  }
  for (proto::ClientRecord& record : *batch.mutable_clients()) {
    const std::size_t count = record.sockets();
    if (left() < count) return false;
    PackedClient& client = batch_->clients.emplace_back(std::move(record));
    for (std::size_t i = 0; i < count; ++i) client.sockets.push_back(std::move(*next++));
  }
  return left() == 0;
}

void Taker::take_when_current() {
  const ControlPosition here = parts_.control();
  const ControlPosition& there = batch_->control;
  if (here.stream == there.stream && here.applied < there.applied) return;  // Looked at again.
  proto::HandoffFrame frame;
  proto::HandoffTaken& taken = *frame.mutable_taken();
  taken.set_number(batch_->number);
  std::vector<PackedClient> accepted;
  for (std::uint32_t i = 0; i < batch_->clients.size(); ++i) {
    PackedClient& client = batch_->clients[i];
    if (const Result<void> can = parts_.server.accept(client, accepted.size()); can) {
      accepted.push_back(std::move(client));
    } else {
      if (taken.refused().empty()) {
        parts_.log.warn("clients can't be taken over", {{"reason", can.error().message()}});
      }
      taken.add_refused(i);
    }
  }
  batch_->clients = std::move(accepted);
  is_taken_ = true;
  channel_.send(frame);
}

void Taker::commit() {
  const std::unique_ptr<Batch> batch = std::move(batch_);
  parts_.counters.taken += batch->clients.size();
  for (PackedClient& client : batch->clients) parts_.server.unpack(std::move(client));
  if (batch->listeners.empty()) return;
  has_listeners_ = true;
  observer_.on_listeners(std::move(batch->listeners));
}

void Taker::on_timer() {
  if (!end_reason_.empty()) return look_for_predecessor();
  if (batch_ != nullptr && !is_taken_) return take_when_current();
  const std::int64_t silent_ms = parts_.loop.monotonic_ms() - silent_since_ms_;
  if (state_ == State::Trailing || silent_ms < parts_.limits.handoff_step_ms) return;
  ++parts_.limit_counters.handoff_step_ms;
  fail("the running edge says nothing");
}

// Before Commit the batch is the predecessor's, or nobody's: our copies are closed.
void Taker::on_handoff_closed(const Error& error) {
  batch_.reset();
  if (state_ == State::Over) return;
  if (state_ == State::Trailing) {
    state_ = State::Over;
    timer_.stop();
    return;
  }
  if (error.code == ErrorCode::PayloadTooLarge) ++parts_.limit_counters.handoff_frame_bytes_max;
  if (error.code != ErrorCode::Unavailable) return fail(std::string(error.message()));
  // A process hangs up a moment before it is gone.
  end_reason_ = error.message();
  silent_since_ms_ = parts_.loop.monotonic_ms();
}

void Taker::look_for_predecessor() {
  if (predecessor_pid_ != 0 && is_dead(predecessor_pid_)) {
    state_ = State::Over;
    timer_.stop();
    return observer_.on_predecessor_died(has_listeners_);
  }
  const std::int64_t looked_ms = parts_.loop.monotonic_ms() - silent_since_ms_;
  if (looked_ms >= parts_.limits.handoff_step_ms) fail(end_reason_);
}

void Taker::fail(const std::string& reason) {
  if (state_ == State::Over) return;
  state_ = State::Over;
  timer_.stop();
  batch_.reset();
  channel_.refuse(reason);
  observer_.on_take_failed(reason);
}

}  // namespace tako::edge
