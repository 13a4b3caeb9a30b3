// PresenceTable: who is in which channel: finds, makes and forgets channels, lets time pass for
// those that are due, and keeps their members over a restart.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/channel/definitions_registry.h"
#include "broker/presence/presence_channel.h"
#include "broker/presence/presence_events.h"
#include "broker/presence/presence_rows.h"
#include "broker/state/state_store.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/random.h"
#include "common/runtime_limits.h"

namespace tako::broker {

struct PresenceCounters {
  std::uint64_t enters_total = 0;
  std::uint64_t updates_total = 0;
  std::uint64_t leaves_total = 0;
  std::uint64_t refused_total = 0;      // sessions that are not listed
  std::uint64_t lists_out_total = 0;    // whole lists told to edges
  std::uint64_t changes_out_total = 0;  // frames of changes
  std::uint64_t counts_out_total = 0;
};

// All of it outlives the table.
struct PresenceParts {
  const DefinitionsRegistry& definitions;
  StateStore& state;
  const Clock& clock;
  Random& random;
  const RuntimeLimits& limits;
  LimitCounters& limit_counters;
};

// A start. With a durable state all members that an earlier broker knew are there, lost at this
// moment: their whole grace, of 5 s at least, is theirs to come back. With a state in memory nobody
// is known: then an edge that goes on from a list of an earlier broker is told nothing for the
// grace of the channel (PresenceChannel::is_holding), while the edges say who is there. Else
// clients would see a mass leave, and all of them enter again.
//
// Kept before told: what watchers hear is in the state already (presence's law 4), so that after a
// kill no list takes back what was said. A state that can't be written holds nobody up.
//
// An end. freeze(): the links that end then take nobody's place away.
class PresenceTable final : private PresenceOwner {
 public:
  explicit PresenceTable(const PresenceParts& parts);
  ~PresenceTable() { *is_alive_ = false; }
  PresenceTable(const PresenceTable&) = delete;
  PresenceTable& operator=(const PresenceTable&) = delete;

  // Once, before anything else, when the definitions that the process knows have been put.
  void restore();
  // `on_alarm`: tick() is wanted after so long (0: soon), in place of an earlier wish.
  void set_alarm(std::function<void(std::chrono::milliseconds)> on_alarm);
  // At most one; outlives the table, or is taken away by nullptr.
  void set_events(PresenceEvents* events) { events_ = events; }
  void freeze() { is_frozen_ = true; }

  [[nodiscard]] PresenceChannel* find(std::string_view app, std::string_view key);
  // Finds or makes. The watcher is told of the channel, and keeps it, until close().
  [[nodiscard]] PresenceChannel& open(const ChannelIdentity& identity, PresenceWatcher& watcher);
  void close(PresenceChannel& channel, PresenceWatcher& watcher);

  // Clients of one edge: so many, and before so many.
  void set_connections(PresenceChannel& channel, std::size_t before, std::size_t after);
  // A session more. Errors: PresenceOff, PayloadTooLarge, PresenceFull: it is not listed.
  [[nodiscard]] Result<MemberId> enter(PresenceChannel& channel, const PresenceSaid& said);
  // A session of this stay says other data. Errors: as above; then its edge takes it as not listed,
  // and it is: gone.
  [[nodiscard]] Result<void> update(PresenceChannel& channel, MemberId member,
                                    const PresenceSaid& said);
  // A session of this stay is gone.
  void leave(PresenceChannel& channel, std::string_view subject, MemberId member,
             PresenceReason reason);

  // Members leave at once (revoked), whoever was lost among them; their sessions, which the edges
  // end, say nothing more. `subject` empty: everybody; `name` empty: in all channels; `key` empty:
  // in all of the name. Returns how many left.
  std::size_t disconnect(std::string_view app, std::string_view subject, std::string_view name,
                         std::string_view key);

  // From a timer, at the latest when the alarm says so: a bounded number of channels and members.
  void tick();

  [[nodiscard]] std::size_t members() const { return members_; }
  // With members, clients or an edge that watches.
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }
  [[nodiscard]] PresenceCounters& counters() { return counters_; }
  [[nodiscard]] const PresenceCounters& counters() const { return counters_; }
  [[nodiscard]] const RuntimeLimits& limits() const { return parts_.limits; }
  [[nodiscard]] LimitCounters& limit_counters() { return parts_.limit_counters; }

 private:
  using Number = std::uint64_t;  // of a channel, in the order of making
  struct Entry {
    Entry(Number numbered, ChannelIdentity identity, std::string qualified_key, Epoch epoch,
          PresenceOwner& owner, const RuntimeLimits& limits)
        : number(numbered),
          channel(std::move(identity), std::move(qualified_key), epoch, owner, limits) {}

    Number number;
    PresenceChannel channel;
    std::optional<std::int64_t> due_ms;  // an entry of due_
    std::uint64_t definitions_version = 0;
  };

  [[nodiscard]] MemberId next_member() override { return ++last_member_; }
  void on_entered(PresenceChannel& channel, const PresenceMember& member) override;
  void on_updated(PresenceChannel& channel, const PresenceMember& member) override;
  void on_left(PresenceChannel& channel, const PresenceMember& member,
               PresenceReason reason) override;
  void on_occupied(PresenceChannel& channel) override;
  void on_vacated(PresenceChannel& channel) override;
  void on_due_to_tell(PresenceChannel& channel) override;

  Entry& entry(PresenceChannel& channel);
  Entry& find_or_make(const ChannelIdentity& identity);
  void restore_members();
  void restore_occupied();
  void index(PresenceChannel& channel, std::string_view subject);
  void unindex(const PresenceChannel& channel, std::string_view subject);
  // The app is told when clients come and go.
  [[nodiscard]] bool tells_occupancy(const PresenceChannel& channel) const;
  // Takes over the rule of the definitions in force, when they changed.
  void refresh(Entry& entry);
  void refresh_some();
  // After each change: tells what is due now, plans the rest, forgets what nothing keeps.
  void settle(Entry& entry, std::size_t leaves_max = 0);
  void plan(Entry& entry);
  void set_next_alarm();
  [[nodiscard]] std::vector<PresenceChannel*> channels_of(std::string_view app,
                                                          std::string_view subject,
                                                          std::string_view name,
                                                          std::string_view key);
  template <typename Value>
  [[nodiscard]] Result<Value> counted(Result<Value> result);

  PresenceParts parts_;
  PresenceRows rows_;
  PresenceEvents* events_ = nullptr;
  std::function<void(std::chrono::milliseconds)> on_alarm_;
  std::optional<std::int64_t> alarm_ms_;
  bool is_ticking_ = false;  // the alarm is set at the end
  bool is_frozen_ = false;
  bool is_restoring_ = false;
  std::int64_t started_ms_;
  PresenceCounters counters_;
  MemberId last_member_ = 0;
  Number last_number_ = 0;
  std::size_t members_ = 0;
  std::map<Number, std::unique_ptr<Entry>> channels_;
  // Keys are views of PresenceChannel::qualified_key().
  std::unordered_map<std::string_view, Entry*> by_key_;
  // Where a subject is, by app and subject.
  std::unordered_map<std::string, std::vector<PresenceChannel*>> by_subject_;
  std::map<std::pair<std::int64_t, Number>, Entry*> due_;
  std::uint64_t definitions_seen_ = 0;
  std::optional<Number> refreshing_;                               // the channel to look at next
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for writes under way
};

}  // namespace tako::broker
