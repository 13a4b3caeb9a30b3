// EdgePresence: the channels whose presence one edge serves: its sessions, and what it was told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

#include "broker/edge_outbox.h"
#include "broker/presence/presence_table.h"
#include "proto/link.pb.h"

namespace tako::broker {

//   changed ──▶ told (once per batch) ──▶ dirty: a ─ b ─ c ──pump_one()──▶ outbox
//
// Nobody keeps a queue of changes: for each channel there is the version that the edge stands at,
// and when there is room it is told what came behind, or the whole list when that is no longer
// known.
class EdgePresence {
 public:
  // As the edge numbers them, in a space of their own.
  using Number = std::uint32_t;

  EdgePresence(PresenceTable& table, EdgeOutbox& outbox, FrameSink& sink);
  ~EdgePresence();
  EdgePresence(const EdgePresence&) = delete;
  EdgePresence& operator=(const EdgePresence&) = delete;

  [[nodiscard]] std::size_t size() const { return rooms_.size(); }
  [[nodiscard]] bool contains(Number number) const { return rooms_.contains(number); }

  // The identity is checked. Again with the same number: what changed.
  void open(const proto::PresenceOpen& open);
  // Sessions that are not gone are lost.
  void close(Number number);
  // nullopt: listed. Else what the edge is told: the session is not.
  [[nodiscard]] std::optional<proto::PresenceRefused> say(proto::PresenceSession& session);
  void gone(const proto::PresenceGone& gone);
  // The link ends: everybody here is lost.
  void clear();

  [[nodiscard]] bool has_dirty() const { return !dirty_.empty(); }
  // Tells one channel's news. Only with room, and with a dirty channel.
  void pump_one();

 private:
  struct Room;
  void close(Room& room);
  void mark_dirty(Room& room);
  void pump(Room& room);
  void tell_list(Room& room);
  void tell_changes(Room& room);
  void tell_counts(Room& room);

  PresenceTable& table_;
  EdgeOutbox& outbox_;
  FrameSink& sink_;
  std::unordered_map<Number, std::unique_ptr<Room>> rooms_;
  std::deque<Number> dirty_;  // A number may be one that was closed since.
};

}  // namespace tako::broker
