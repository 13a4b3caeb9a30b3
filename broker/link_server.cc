// Joins a link's bytes with the EdgeLink that knows what they mean.
#include "broker/link_server.h"

#include <unistd.h>

#include <chrono>
#include <optional>
#include <utility>

#include "broker/edge_link.h"
#include "common/uv/timer.h"
#include "proto/link.pb.h"

namespace tako::broker {
namespace {

// What was sent before a close may still go out for so long; a peer that doesn't read costs no
// more.
constexpr std::chrono::milliseconds kLastWords{1'000};

}  // namespace

class LinkServer::Connection final : private ipc::LinkObserver, private FrameSink {
 public:
  // With `refusal` the edge is told why, and hung up on.
  Connection(LinkServer& server, std::uint64_t id, std::unique_ptr<ipc::Link> link,
             std::optional<std::string> refusal)
      : server_(server),
        id_(id),
        link_(std::move(link)),
        turn_end_(server.loop_, [this] { on_turn_end(); }),
        last_words_(server.loop_, [this] { is_over_ = true, turn_end_.schedule(); }) {
    link_->start(*this);
    if (refusal.has_value()) {
      proto::BrokerFrame frame;
      frame.add_items()->mutable_refused()->set_reason(*refusal);
      send(frame.SerializeAsString());
      close(*refusal);
    } else {
      FrameSink& sink = *this;
      edge_.emplace(server.registry_, sink);
    }
  }

  // Ends in remove(), at the end of a later turn.
  void say_goodbye() {
    if (!is_closing_ && edge_) edge_->say_goodbye();
  }

 private:
  void on_frame(std::span<const std::byte> frame) override {
    if (!is_closing_) edge_->on_frame(frame);
  }
  void on_drained() override {
    is_over_ |= is_closing_;
    turn_end_.schedule();
  }
  void on_closed(const Error& error) override {
    if (error.code == ErrorCode::ProtocolError) server_.on_framing_broken(error);
    is_over_ = true;
    turn_end_.schedule();
  }

  void send(std::string frame) override { link_->send(frame); }
  [[nodiscard]] std::size_t pending_bytes() const override { return link_->pending_bytes(); }
  void schedule_flush() override { turn_end_.schedule(); }
  void close(std::string_view /*reason*/) override {
    is_closing_ = true;
    link_->flush();
    if (link_->pending_bytes() == 0) {
      is_over_ = true;
      turn_end_.schedule();
    } else {
      last_words_.start_once(kLastWords);
    }
  }

  void on_turn_end() {
    if (!is_over_ && !is_closing_) pump();
    if (is_over_) server_.remove(id_);  // `this` is gone.
  }

  void pump() {
    edge_->flush();
    if (is_closing_) return;
    turn_end_.cancel();  // What flush() queued needs no turn of its own.
    link_->flush();
    // The kernel took a full outbox at once: there is more, but others have their turn first.
    if (edge_->waits_for_room() && link_->pending_bytes() == 0) turn_end_.schedule();
  }

  LinkServer& server_;
  std::uint64_t id_;
  std::unique_ptr<ipc::Link> link_;
  uv::TurnEndTask turn_end_;
  uv::Timer last_words_;
  bool is_closing_ = false;  // nothing more is read or queued
  bool is_over_ = false;     // goes at the end of this turn
  std::optional<EdgeLink> edge_;
};

LinkServer::LinkServer(uv::Loop& loop, EdgeRegistry& registry)
    : loop_(loop), registry_(registry), leave_timer_(loop, [this] { on_leave_late(); }) {}
LinkServer::~LinkServer() = default;

Result<void> LinkServer::listen(const std::string& path) {
  auto listener = ipc::LinkListener::listen(
      loop_, path, [this](std::unique_ptr<ipc::Link> link) { on_link(std::move(link)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

std::optional<std::string> LinkServer::judge(const ipc::Link& link) {
  const BrokerParts& parts = registry_.parts();
  const auto uid = link.peer_uid();
  if (!uid.has_value() || (*uid != geteuid() && *uid != 0)) {
    ++strangers_refused_;
    const std::string whose = uid.has_value() ? std::to_string(*uid) : "nobody knows";
    // Once for each in a row: one that dials without end must not fill the log.
    if (std::exchange(told_stranger_, whose) != whose) {
      parts.log.warn(
          "an edge was refused: it runs as another user; run it as the broker's, or root",
          {{"uid", whose}, {"broker_uid", geteuid()}});
    }
    return "it runs as another user (uid " + whose + ") than the broker (uid " +
           std::to_string(geteuid()) + "): run it as that user, or as root";
  }
  if (connections_.size() >= parts.limits.link_edges_max) {
    ++parts.limit_counters.link_edges_max;
    parts.log.warn("an edge was refused: too many links",
                   {{"link_edges_max", parts.limits.link_edges_max}});
    return "too many edges are linked (link_edges_max)";
  }
  return std::nullopt;
}

void LinkServer::on_link(std::unique_ptr<ipc::Link> link) {
  std::optional<std::string> refusal = judge(*link);
  const std::uint64_t id = ++last_id_;
  connections_.emplace(
      id, std::make_unique<Connection>(*this, id, std::move(link), std::move(refusal)));
}

void LinkServer::on_framing_broken(const Error& error) {
  const BrokerParts& parts = registry_.parts();
  ++registry_.counters().protocol_errors_total;
  count_limit(error, parts.limit_counters);
  parts.log.warn("a link was closed for what it sent", {{"reason", error.message()}});
}

void LinkServer::remove(std::uint64_t id) {
  connections_.erase(id);
  if (!connections_.empty() || !on_left_) return;
  leave_timer_.stop();
  std::exchange(on_left_, nullptr)();
}

void LinkServer::leave(std::function<void()> done) {
  listener_.reset();
  if (connections_.empty()) return done();
  on_left_ = std::move(done);
  leave_timer_.start_once(std::chrono::milliseconds(registry_.parts().limits.link_leave_ms));
  for (const auto& [id, connection] : connections_) connection->say_goodbye();
}

void LinkServer::on_leave_late() {
  const BrokerParts& parts = registry_.parts();
  ++parts.limit_counters.link_leave_ms;
  for (const EdgeInfo& edge : registry_.list()) {
    parts.log.warn("an edge did not answer the goodbye in time (link_leave_ms)",
                   {{"edge", edge.name}});
  }
  connections_.clear();
  std::exchange(on_left_, nullptr)();
}

}  // namespace tako::broker
