// PresenceChannel: who is in one channel, over all edges, and until when whoever was lost may
// return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/channel/channel_identity.h"
#include "broker/presence/presence_history.h"
#include "broker/presence/presence_member.h"
#include "common/presence_rule.h"
#include "common/result.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// One stay of a subject, unique in a broker's life: who left and came again is another.
using MemberId = std::uint64_t;

// What a session says: it is listed, and with what.
struct PresenceSaid {
  std::string subject;
  std::string info = {};         // JSON; empty: none
  std::string data = {};         // JSON; empty: none
  std::int64_t data_set_ms = 0;  // wall; 0: the client said none
};

struct PresenceCount {
  std::size_t connections = 0;
  std::size_t subjects = 0;
  friend bool operator==(const PresenceCount&, const PresenceCount&) = default;
};

class PresenceChannel;

// Whom a channel tells at once; its table. None of these but the last may call the channel back.
class PresenceOwner {
 public:
  [[nodiscard]] virtual MemberId next_member() = 0;
  virtual void on_entered(PresenceChannel& channel, const PresenceMember& member) = 0;
  virtual void on_updated(PresenceChannel& channel, const PresenceMember& member) = 0;
  virtual void on_left(PresenceChannel& channel, const PresenceMember& member,
                       PresenceReason reason) = 0;
  virtual void on_occupied(PresenceChannel& channel) = 0;
  virtual void on_vacated(PresenceChannel& channel) = 0;
  // Watchers should be told now: calls tell() of this channel, at once or when what happened is
  // safe.
  virtual void on_due_to_tell(PresenceChannel& channel) = 0;

 protected:
  ~PresenceOwner() = default;
};

// Someone downstream who tells clients of a channel's list or counts: a link. Only marks: what is
// told is read from the channel later, when there is room.
class PresenceWatcher {
 public:
  virtual void on_presence(PresenceChannel& channel) = 0;

 protected:
  ~PresenceWatcher() = default;
};

//                 ┌──lost──▶ sessions 0, losses > 0 ──last grace over──▶ leaves (lost)
//   enters ──▶ sessions > 0        │ a session again takes one loss back
//                 │   ▲────────────┘
//                 └──left, expired, revoked: no session and no loss remains──▶ leaves
//
// A goodbye is a loss with a grace of its own, a tenth of a second: whoever goes from one edge's
// page to another's is there before, though the two edges' words may come in any order. What an
// earlier broker's start makes of a member is a loss that nobody takes back: over how many edges
// its sessions were is not known, so the whole grace is theirs.
//
// Time is a parameter (monotonic, and wall where a client sees it). Changes are told to watchers
// once per batch_ms: the first after a quiet time at once, those that follow when advance() says
// so.
class PresenceChannel {
 public:
  // The references outlive the channel.
  PresenceChannel(ChannelIdentity identity, std::string qualified_key, Epoch epoch,
                  PresenceOwner& owner, const RuntimeLimits& limits);
  PresenceChannel(const PresenceChannel&) = delete;
  PresenceChannel& operator=(const PresenceChannel&) = delete;

  [[nodiscard]] const ChannelIdentity& identity() const { return identity_; }
  [[nodiscard]] const std::string& qualified_key() const { return qualified_key_; }
  // nullopt: nobody is listed; clients are counted all the same.
  [[nodiscard]] const std::optional<PresenceRule>& rule() const { return rule_; }
  [[nodiscard]] const PresenceHistory& history() const { return history_; }
  // What watchers may be told: not what a kill of this process would take back.
  [[nodiscard]] const PresenceVersion& tellable() const { return tellable_; }
  [[nodiscard]] std::int64_t grace_ms() const;
  [[nodiscard]] PresenceCount count() const { return {connections_, members_.size()}; }
  [[nodiscard]] bool is_occupied() const { return is_occupied_; }
  // Edges that go on from a list of an earlier broker are told nothing yet (PresenceTable).
  [[nodiscard]] bool is_holding() const { return hold_until_ms_.has_value(); }
  // Everybody, by subject.
  [[nodiscard]] std::vector<PresenceMemberPtr> list() const;
  // At most `limit` behind `after`, by subject.
  [[nodiscard]] std::vector<PresenceMemberPtr> page(std::string_view after,
                                                    std::size_t limit) const;
  // The member's stay; nullopt: it is not here.
  [[nodiscard]] std::optional<MemberId> find(std::string_view subject) const;

  // Other rules: whoever is lost gets the new grace; without a rule everybody leaves.
  void set_rule(const std::optional<PresenceRule>& rule, std::int64_t now_ms);

  // A session more. `may_grow`: there is room for another member, over all channels. Errors:
  // PresenceOff, PayloadTooLarge, PresenceFull, the bound counted by the caller: nothing changed.
  [[nodiscard]] Result<MemberId> enter(const PresenceSaid& said, bool may_grow,
                                       std::int64_t wall_ms);
  // A session of this stay says other data. Errors: as above.
  [[nodiscard]] Result<void> update(const PresenceSaid& said);
  // A session of this stay is gone. Of a stay that is over: nothing.
  void leave(std::string_view subject, MemberId member, PresenceReason reason, std::int64_t now_ms);
  // With all sessions and losses, at once. False: not here.
  bool remove(std::string_view subject, PresenceReason reason);

  // Clients of one edge: so many, and before so many.
  void set_connections(std::size_t before, std::size_t after, std::int64_t now_ms);

  // At the start: a member that an earlier broker knew, lost now; a channel that had clients.
  // `floor_ms`: of the grace.
  void restore(PresenceMember member, std::int64_t now_ms, std::int64_t floor_ms);
  void restore_occupied(std::int64_t now_ms, std::int64_t floor_ms);
  void hold(std::int64_t until_ms) { hold_until_ms_ = until_ms; }

  void watch(PresenceWatcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(PresenceWatcher& watcher);

  // When advance() has something to do; nullopt: nothing until somebody says more.
  [[nodiscard]] std::optional<std::int64_t> due_ms() const;
  // Whose time is over goes, at most `leaves_max` members; watchers are told what is due. Returns
  // the members that left.
  std::size_t advance(std::int64_t now_ms, std::size_t leaves_max);
  // Watchers may be told all up to `version`.
  void tell(const PresenceVersion& version);
  // Nothing keeps it: it may be forgotten.
  [[nodiscard]] bool is_idle() const;

 private:
  struct Loss {
    std::int64_t at_ms = 0;
    std::int64_t floor_ms = 0;  // above 0: by a start; its grace is at least so long
    bool is_goodbye = false;
  };
  struct Member {
    MemberId id = 0;
    PresenceMemberPtr told;
    std::size_t sessions = 0;
    std::vector<Loss> losses;                  // that may be taken back, oldest first
    std::int64_t data_set_ms = 0;              // may be newer than told: the same data said again
    std::optional<std::int64_t> leaves_at_ms;  // no session: an entry of waiting_
    PresenceReason leaves_as = PresenceReason::Lost;
  };
  using Members = std::map<std::string, Member, std::less<>>;

  [[nodiscard]] std::int64_t deadline(const Loss& loss) const;
  [[nodiscard]] Result<void> check_sizes(const PresenceSaid& said) const;
  [[nodiscard]] Result<void> check_list(std::size_t before, std::size_t after) const;
  [[nodiscard]] Result<MemberId> enter_new(const PresenceSaid& said, bool may_grow,
                                           std::int64_t wall_ms);
  [[nodiscard]] Result<void> say(Member& member, const PresenceSaid& said);
  // Without sessions: waits for the last loss, or leaves.
  void settle(Members::iterator found, PresenceReason reason, std::int64_t now_ms);
  void wait(Members::iterator found, PresenceReason reason);
  void stop_waiting(Members::iterator found);
  void erase(Members::iterator found, PresenceReason reason);
  void add_change(PresenceAction action, PresenceMemberPtr member, PresenceReason reason);

  ChannelIdentity identity_;
  std::string qualified_key_;
  PresenceOwner& owner_;
  const RuntimeLimits& limits_;
  std::optional<PresenceRule> rule_;
  PresenceHistory history_;
  Members members_;
  std::size_t list_bytes_ = 0;
  // Members without a session, by the end of their grace. The views are keys of members_.
  std::set<std::pair<std::int64_t, std::string_view>> waiting_;
  std::size_t connections_ = 0;
  bool is_occupied_ = false;
  std::optional<std::int64_t> vacated_at_ms_;
  std::optional<std::int64_t> hold_until_ms_;
  std::vector<PresenceWatcher*> watchers_;
  PresenceVersion tellable_;
  bool is_untold_ = false;
  std::int64_t next_told_ms_ = 0;
};

}  // namespace tako::broker
