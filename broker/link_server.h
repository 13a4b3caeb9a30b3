// LinkServer: accepts edges on the link socket and gives each its EdgeLink and its bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/edge_registry.h"
#include "common/ipc/link_listener.h"
#include "common/result.h"
#include "common/uv/loop.h"
#include "common/uv/timer.h"

namespace tako::broker {

class LinkServer {
 public:
  // Both outlive the server.
  LinkServer(uv::Loop& loop, EdgeRegistry& registry);
  // Hangs up on every edge; they dial again.
  ~LinkServer();
  LinkServer(const LinkServer&) = delete;
  LinkServer& operator=(const LinkServer&) = delete;

  // Errors: AddressInUse, ConfigInvalid.
  [[nodiscard]] Result<void> listen(const std::string& path);
  // The broker ends: no edge is accepted any more, those that are linked are answered what they
  // have asked and asked to wait for the next broker. `done` is called once, when all are gone, at
  // the latest after link_leave_ms.
  void leave(std::function<void()> done);
  [[nodiscard]] std::size_t links() const { return connections_.size(); }
  // Peers of other users than root and our own.
  [[nodiscard]] std::uint64_t strangers_refused() const { return strangers_refused_; }

 private:
  class Connection;

  void on_link(std::unique_ptr<ipc::Link> link);
  // Why this peer may not link, if it may not: counted and logged.
  [[nodiscard]] std::optional<std::string> judge(const ipc::Link& link);
  void on_framing_broken(const Error& error);
  // At the end of a turn, from no frame of the connection's own.
  void remove(std::uint64_t id);
  void on_leave_late();

  uv::Loop& loop_;
  EdgeRegistry& registry_;
  std::unique_ptr<ipc::LinkListener> listener_;
  std::uint64_t last_id_ = 0;
  std::uint64_t strangers_refused_ = 0;
  std::string told_stranger_;  // the user that the log has named last
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::function<void()> on_left_;  // while leaving
  uv::Timer leave_timer_;
};

}  // namespace tako::broker
