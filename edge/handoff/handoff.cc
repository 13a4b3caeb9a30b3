// Who is asked, who asks, and what is told to the process.
#include "edge/handoff/handoff.h"

#include <utility>

namespace tako::edge {

Handoff::Handoff(HandoffParts parts, HandoffSocket& socket, std::string socket_path,
                 std::chrono::milliseconds settle, HandoffHost& host)
    : parts_(std::move(parts)),
      socket_(socket),
      socket_path_(std::move(socket_path)),
      settle_(settle),
      host_(host),
      link_deadline_(
          parts_.loop,
          [this] {
            ++parts_.limit_counters.handoff_link_ms;
            fail_takeover("no link to the broker, without which clients can't be served");
          }),
      end_giver_(parts_.loop, [this] { ended_giver_.reset(); }) {}

Handoff::~Handoff() = default;

bool Handoff::has_predecessor() const { return uv::connect_unix(socket_path_).has_value(); }

void Handoff::take_over() {
  is_taking_ = waits_for_link_ = true;
  link_deadline_.start_once(std::chrono::milliseconds(parts_.limits.handoff_link_ms));
}

void Handoff::on_linked() {
  if (!std::exchange(waits_for_link_, false)) return;
  link_deadline_.stop();
  std::optional<uv::Fd> socket = uv::connect_unix(socket_path_);
  if (!socket) return on_predecessor_died(false);
  TakerObserver& observer = *this;  // Here, where the private base is known.
  taker_ = std::make_unique<Taker>(parts_, std::move(*socket), observer);
}

Result<void> Handoff::listen() { return socket_.listen(socket_path_); }

// One that has said nothing makes room: it may have been a look, or hold the place for no purpose.
void Handoff::on_peer(uv::Fd socket) {
  if (giver_ != nullptr && !giver_->has_begun()) giver_.reset();
  if (giver_ != nullptr || is_taking_) {
    DeafHandoffObserver deaf;
    HandoffChannel(parts_.loop, std::move(socket), parts_.limits.handoff_frame_bytes_max, deaf)
        .refuse("another handoff of this edge is under way");
    return;
  }
  GiverObserver& observer = *this;
  giver_ = std::make_unique<Giver>(parts_, std::move(socket), settle_, observer);
}

void Handoff::on_stranger(std::uint32_t uid) {
  ++parts_.counters.peers_refused;
  parts_.log.warn("another user on the handoff socket was refused", {{"uid", uid}});
}

void Handoff::stop(const std::string& reason) {
  if (giver_ != nullptr) giver_->give_up(reason);
}

void Handoff::end_giver() {
  ended_giver_ = std::move(giver_);
  end_giver_.schedule();
}

void Handoff::on_give_failed(const std::string& reason) {
  end_giver();
  if (reason.empty()) return;  // Somebody only looked.
  parts_.log.error("the handoff failed; this edge serves on", {{"reason", reason}});
  host_.on_handoff_failed(reason);
}

void Handoff::on_successor(std::int32_t pid) { host_.on_successor(pid); }

void Handoff::on_give_over() {
  end_giver();
  host_.on_leave();
}

void Handoff::on_told_to_leave() {
  end_giver();
  parts_.log.info("told to leave: there is no edge of this name any more");
  host_.on_leave();
}

void Handoff::on_listeners(std::vector<HandedListener> listeners) {
  std::vector<HandedListener> others;
  for (HandedListener& listener : listeners) {
    if (listener.kind == ListenerKind::Handoff) {
      socket_.adopt(std::move(listener.socket), listener.owns_file);
    } else {
      others.push_back(std::move(listener));
    }
  }
  host_.on_listeners(std::move(others));
}

void Handoff::on_taken_over() {
  is_taking_ = false;
  parts_.log.info("taken over", {{"clients", parts_.counters.taken}});
  host_.on_taken_over(true);
}

void Handoff::on_take_failed(const std::string& reason) {
  // Died before it said who it is. (Once its socket is ours, we would find ourselves there.)
  if (socket_.listener() == nullptr && !has_predecessor()) return on_predecessor_died(false);
  fail_takeover(reason);
}

void Handoff::fail_takeover(std::string_view reason) {
  ++parts_.counters.failed;
  parts_.log.error("the takeover failed; the running edge serves on", {{"reason", reason}});
  parts_.listeners.leave();
  host_.on_takeover_failed();
}

void Handoff::on_predecessor_died(bool has_listeners) {
  is_taking_ = false;
  parts_.log.warn("the running edge is gone; this one serves without the rest of its clients",
                  {{"clients", parts_.counters.taken}});
  host_.on_taken_over(has_listeners);
}

}  // namespace tako::edge
