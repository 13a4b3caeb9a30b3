// ControlStream: numbered changes that every edge applies in order before it delivers anything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/channel/control_item.h"
#include "broker/channel/revocation_log.h"
#include "broker/channel/revocation_store.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// A linked edge. Registered from its Welcome until the link is gone.
class ControlFollower {
 public:
  // There is more to send (ControlStream::next_after).
  virtual void on_control() = 0;
  [[nodiscard]] virtual std::string_view edge_name() const = 0;
  [[nodiscard]] virtual std::uint64_t control_applied() const = 0;
  // False: an older version, which passes over revocations without a word.
  [[nodiscard]] virtual bool takes_revocations() const = 0;

 protected:
  ~ControlFollower() = default;
};

// How far the edges that were linked at the change had come when the wait for them ended.
struct ControlOutcome {
  std::vector<std::string> pending = {};  // edges that have not applied it
  std::uint64_t subscriptions = 0;        // that a revocation met
};

// Of definitions it keeps the newest of each app, for an older one says nothing more; of
// revocations what revocation_log.h says. So the stream is bounded, and a relinking edge is sent
// what it missed.
class ControlStream {
 public:
  using OnApplied = std::function<void(ControlOutcome)>;

  // `id`: random, not 0; names the life of this broker.
  ControlStream(std::uint64_t id, const Clock& clock, const RuntimeLimits& limits,
                LimitCounters& counters);
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::uint64_t head() const { return head_; }
  [[nodiscard]] const RevocationLog& revocations() const { return revocations_; }

  // Before anything is appended: goes on with the revocations of an earlier broker, and keeps them
  // from now on. `store` outlives this.
  void restore(RevocationStore& store);
  // Behind which number an edge that links has to be given what is kept: it stands at `applied` of
  // `stream` (0: of none yet).
  [[nodiscard]] std::uint64_t start_of(std::uint64_t stream, std::uint64_t applied) const;

  // Tells all followers; returns the change's number.
  std::uint64_t append(DefinitionsChange change);
  std::uint64_t append(Revocation revocation);
  // May this scope be banned? See RevocationLog.
  [[nodiscard]] bool takes_ban(const BanScope& scope) { return revocations_.takes_ban(scope); }
  // Calls back when all edges that are linked now have applied the definitions, or are gone (with
  // none: at once), or after definitions_apply_wait_ms with the names of the rest.
  void wait_applied(std::uint64_t number, OnApplied on_applied);
  // The same for a revocation, with revocation_apply_wait_ms. An edge that goes meanwhile, or can't
  // apply it, is named: it may have clients still.
  void wait_revoked(std::uint64_t number, OnApplied on_applied);

  // The item to send behind `number`; nullptr at the head. Numbers may be left out, the last never:
  // whoever has been given all stands at head(). Good until the next append() or tick().
  [[nodiscard]] const ControlItem* next_after(std::uint64_t number) const;
  void add(ControlFollower& follower);
  void remove(ControlFollower& follower);
  // The follower's control_applied() rose; its last one met so many subscriptions.
  void on_applied(ControlFollower& follower, std::uint32_t subscriptions = 0);

  // From a timer: answers those who have waited long enough.
  void tick();

 private:
  struct Waiting {
    std::uint64_t number = 0;
    bool is_revocation = false;
    std::int64_t deadline_ms = 0;
    std::vector<ControlFollower*> pending;
    ControlOutcome outcome;  // so far
    OnApplied on_applied;
  };
  std::uint64_t tell();
  void wait(Waiting waiting);
  void finish_due();

  std::uint64_t id_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::uint64_t head_ = 0;
  // Of the broker before: its stream, and where in it whoever needs nothing of restored_passed_
  // stands at least.
  std::uint64_t previous_id_ = 0;
  std::uint64_t previous_passed_ = 0;
  std::uint64_t restored_passed_ = 0;  // items up to this number stand for what is not kept
  std::map<std::string, ControlItem, std::less<>> definitions_;  // by app
  RevocationLog revocations_;
  std::vector<ControlFollower*> followers_;
  std::vector<Waiting> waiting_;
};

}  // namespace tako::broker
