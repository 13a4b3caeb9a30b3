// RevocationLog: which revocations an edge that links may still have to apply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "broker/channel/control_item.h"
#include "broker/channel/revocation_keeper.h"
#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// Three kinds are kept:
// - recent ones, for revocation_keep_ms, at most revocations_max;
// - bans, the newest word on each scope, for as long as the ban lasts (a lifted one too: an edge
//   that was away has to hear of it);
// - for each app, in place of all that is not kept any more, one that has the app asked again about
//   everything that was granted before the last of them. It has the number of the last, so whoever
//   has been given all that is kept stands at the head.
class RevocationLog {
 public:
  RevocationLog(const Clock& clock, const RuntimeLimits& limits, LimitCounters& counters)
      : clock_(clock), limits_(limits), counters_(counters) {}

  // Null: what is kept goes with the process. It outlives this.
  void set_keeper(RevocationKeeper* keeper) { keeper_ = keeper; }
  // Of an earlier broker, before anything is added.
  void restore_passed(std::uint64_t number, const std::string& app, std::int64_t at_ms);

  // False: there are as many bans as may be, and this would be one more. It is counted.
  [[nodiscard]] bool takes_ban(const BanScope& scope);
  // Numbers rise.
  void add(std::uint64_t number, Revocation revocation);
  // The kept one with the lowest number above; nullptr: none. Good until the next change.
  [[nodiscard]] const ControlItem* next_after(std::uint64_t number) const;
  // What need not be kept any more goes.
  void tick();

  [[nodiscard]] std::size_t recent() const { return recent_.size(); }
  [[nodiscard]] std::size_t bans() const { return bans_.size(); }

 private:
  struct Kept {
    ControlItem item;
    std::int64_t until_ms;  // monotonic; of a ban: wall
  };
  using ByNumber = std::map<std::uint64_t, Kept>;
  void forget(std::uint64_t number);
  void keep_ban(std::uint64_t number, const Revocation& revocation);
  void let_oldest_go();
  void pass_over(const ControlItem& gone);

  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  RevocationKeeper* keeper_ = nullptr;
  ByNumber recent_;
  ByNumber bans_;
  std::map<BanScope, std::uint64_t> ban_numbers_;
  std::int64_t next_sweep_ms_ = 0;
  std::map<std::string, ControlItem> passed_;  // by app: stands for those that are not kept
};

}  // namespace tako::broker
