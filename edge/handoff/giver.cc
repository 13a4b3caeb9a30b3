// Gives a successor all that this edge holds, one batch at a time.
#include "edge/handoff/giver.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/config/version.h"
#include "common/limits.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

// A client's pause is that of its batch: so small that it is about a millisecond, and large enough
// that the three hops between the processes are less than the work.
constexpr std::size_t kBatchClients = 32;
// Handing over is work for two processes, one after the other; without a rest it would take a whole
// core from those who serve meanwhile.
constexpr std::chrono::milliseconds kBetweenBatches{2};
constexpr std::size_t kBatchBytes = 1 * limits::kMiB;
constexpr std::chrono::milliseconds kLookAgain{20};

}  // namespace

Giver::Giver(const HandoffParts& parts, uv::Fd socket, std::chrono::milliseconds settle,
             GiverObserver& observer)
    : parts_(parts),
      settle_(settle),
      observer_(observer),
      timer_(parts.loop, [this] { on_timer(); }),
      channel_(parts.loop, std::move(socket), parts.limits.handoff_frame_bytes_max, *this) {
  await(Awaited::Hello);
}

Giver::~Giver() = default;

void Giver::await(Awaited awaited) {
  awaited_ = awaited;
  timer_.start_once(std::chrono::milliseconds(parts_.limits.handoff_step_ms));
}

void Giver::on_handoff_frame(proto::HandoffFrame& frame, std::vector<uv::Fd> /*fds*/) {
  if (state_ == State::Over) return;
  if (frame.has_hello() && awaited_ == Awaited::Hello) return on_hello(frame.hello());
  if (frame.has_taken() && awaited_ == Awaited::Taken && frame.taken().number() == batch_) {
    return on_taken(frame.taken());
  }
  if (frame.has_confirmed() && awaited_ == Awaited::Confirmed) return on_confirmed();
  give_up(frame.has_refused() ? "the new edge gave up: " + frame.refused().reason()
                              : "an unexpected frame");
}

void Giver::on_hello(const proto::HandoffHello& hello) {
  if (hello.only_leave()) {
    state_ = State::Over;
    return observer_.on_told_to_leave();
  }
  successor_pid_ = hello.pid();
  const std::uint32_t version = std::min(kHandoffVersionMax, hello.version_max());
  const bool is_common = version >= std::max(kHandoffVersionMin, hello.version_min());
  version_ = is_common ? version : 0;
  const std::size_t needed = parts_.server.client_sockets() + parts_.listeners.all().size();
  if (version_ != 0 && hello.descriptors_free() < needed) {
    const std::string reason = "it may open " + std::to_string(hello.descriptors_free()) +
                               " more files, and " + std::to_string(needed) +
                               " are to be handed over: raise its limit of open files";
    channel_.refuse(reason);
    return give_up("the new edge has no room: " + reason);
  }
  parts_.log.info("handing over", {{"to_pid", hello.pid()},
                                   {"to_version", hello.program_version()},
                                   {"clients", parts_.server.live_clients()},
                                   {"clients_move", version_ != 0}});
  state_ = State::Giving;
  proto::HandoffFrame frame;
  frame.mutable_welcome()->set_version(version_);
  frame.mutable_welcome()->set_program_version(std::string(config::version()));
  frame.mutable_welcome()->set_pid(getpid());
  channel_.send(frame);
  send_listeners();
}

void Giver::send_listeners() {
  proto::HandoffFrame frame;
  proto::HandoffBatch& batch = *frame.mutable_batch();
  batch.set_number(++batch_);
  std::vector<int> fds;
  for (const EdgeListeners::Entry& entry : parts_.listeners.all()) {
    proto::ListenerRecord& record = *batch.add_listeners();
    record.set_role(static_cast<proto::ListenerRole>(entry.kind));
    record.set_owns_file(entry.listener->owns_file());
    fds.push_back(entry.listener->fd());
  }
  parts_.listeners.pause();
  channel_.send(frame, fds);
  await(Awaited::Taken);
}

void Giver::on_taken(const proto::HandoffTaken& taken) {
  std::vector<PackedClient> refused;
  for (const std::uint32_t index : taken.refused()) {
    if (index < in_flight_.size() && !in_flight_[index].sockets.empty()) {
      refused.push_back(std::move(in_flight_[index]));
    }
  }
  parts_.counters.given += in_flight_.size() - refused.size();
  parts_.counters.refused += refused.size();
  in_flight_.clear();  // Closes our copies: from here on only the successor can serve them.
  proto::HandoffFrame frame;
  frame.mutable_commit()->set_number(batch_);
  channel_.send(frame);
  for (PackedClient& client : refused) parts_.server.unpack_to_stay(std::move(client));
  awaited_ = Awaited::Nothing;
  timer_.start_once(kBetweenBatches);
}

void Giver::send_clients() {
  if (packed_.empty() && version_ != 0) {
    packed_ = parts_.server.pack(kBatchClients,
                                 std::min(kBatchBytes, parts_.limits.handoff_frame_bytes_max / 2));
  }
  drop_oversized();
  if (packed_.empty()) return on_all_sent();
  proto::HandoffFrame frame;
  proto::HandoffBatch& batch = *frame.mutable_batch();
  batch.set_number(++batch_);
  const ControlPosition control = parts_.control();
  batch.set_control_stream(control.stream);
  batch.set_control_applied(control.applied);
  std::vector<int> fds;
  std::size_t count = 0;
  for (std::size_t bytes = 0; count < packed_.size(); ++count) {
    PackedClient& client = packed_[count];
    bytes += client.record().ByteSizeLong();
    if (count > 0 && bytes > parts_.limits.handoff_frame_bytes_max / 2) break;
    client.record().set_sockets(static_cast<std::uint32_t>(client.sockets.size()));
    batch.mutable_clients()->UnsafeArenaAddAllocated(&client.record());  // Lent: see below.
    for (const uv::Fd& socket : client.sockets) fds.push_back(socket.get());
  }
  channel_.send(frame, fds);
  for (std::size_t i = 0; i < count; ++i) batch.mutable_clients()->UnsafeArenaReleaseLast();
  const auto end = packed_.begin() + static_cast<std::ptrdiff_t>(count);
  in_flight_.assign(std::make_move_iterator(packed_.begin()), std::make_move_iterator(end));
  packed_.erase(packed_.begin(), end);
  await(Awaited::Taken);
}

// One that no frame can hold stays here, and is drained.
void Giver::drop_oversized() {
  const std::size_t bytes_max = parts_.limits.handoff_frame_bytes_max / 2;
  for (std::size_t i = packed_.size(); i-- > 0;) {
    if (packed_[i].record().ByteSizeLong() <= bytes_max) continue;
    ++parts_.limit_counters.handoff_frame_bytes_max;
    ++parts_.counters.refused;
    PackedClient stays = std::move(packed_[i]);
    packed_.erase(packed_.begin() + static_cast<std::ptrdiff_t>(i));
    parts_.server.unpack_to_stay(std::move(stays));
  }
}

void Giver::on_all_sent() {
  if (state_ == State::Giving) {
    proto::HandoffFrame frame;
    frame.mutable_done();
    channel_.send(frame);
    return await(Awaited::Confirmed);
  }
  awaited_ = Awaited::Nothing;
  timer_.start_once(kLookAgain);
}

void Giver::on_confirmed() {
  state_ = State::Settling;
  parts_.listeners.leave();
  parts_.server.finish_requests();
  settled_by_ms_ = parts_.loop.monotonic_ms() + (version_ == 0 ? 0 : settle_.count());
  awaited_ = Awaited::Nothing;
  timer_.start_once(kLookAgain);
  parts_.log.info("handed over", {{"to_pid", successor_pid_},
                                  {"given", parts_.counters.given},
                                  {"left", parts_.server.live_clients()}});
  observer_.on_successor(successor_pid_);
}

void Giver::on_timer() {
  if (awaited_ != Awaited::Nothing) {
    ++parts_.limit_counters.handoff_step_ms;
    return give_up("the new edge says nothing");
  }
  if (state_ == State::Giving) return send_clients();
  const bool is_time_over = parts_.loop.monotonic_ms() >= settled_by_ms_;
  if (parts_.server.is_empty() || is_time_over) return give_up("");
  send_clients();
}

void Giver::on_handoff_closed(const Error& error) {
  if (state_ == State::Over) return;
  // One that only looked whether somebody listens has said nothing at all.
  const bool is_silent = state_ == State::Greeting && error.code == ErrorCode::Unavailable;
  if (error.code == ErrorCode::PayloadTooLarge) ++parts_.limit_counters.handoff_frame_bytes_max;
  if (state_ == State::Greeting && !is_silent) ++parts_.counters.peers_refused;
  give_up(is_silent ? std::string() : std::string(error.message()));
}

void Giver::give_up(const std::string& reason) {
  const State was = std::exchange(state_, State::Over);
  if (was == State::Over) return;
  timer_.stop();
  unpack(std::exchange(in_flight_, {}));
  unpack(std::exchange(packed_, {}));
  parts_.server.let_go();
  if (was == State::Settling) return observer_.on_give_over();
  if (was == State::Giving) {
    ++parts_.counters.failed;
    parts_.listeners.resume();
  }
  observer_.on_give_failed(reason);
}

void Giver::unpack(std::vector<PackedClient> clients) {
  for (PackedClient& client : clients) {
    if (!parts_.server.accept(client, 0)) continue;  // It was accepted when it came.
    parts_.server.unpack(std::move(client));
    ++parts_.counters.taken_back;
  }
}

}  // namespace tako::edge
