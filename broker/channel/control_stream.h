// ControlStream: numbered changes that every edge applies in order before it delivers anything.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"

namespace tako::broker {

// A change: the definitions of one app. Numbered from 1 within ControlStream::id().
struct ControlItem {
  std::uint64_t number = 0;
  std::string app;
  std::uint64_t version = 0;
  std::string json;  // {"definitions":[…]}
};

// A linked edge. Registered from its Welcome until the link is gone.
class ControlFollower {
 public:
  // There is more to send (ControlStream::next_after).
  virtual void on_control() = 0;
  [[nodiscard]] virtual std::string_view edge_name() const = 0;
  [[nodiscard]] virtual std::uint64_t control_applied() const = 0;

 protected:
  ~ControlFollower() = default;
};

// Keeps the newest item of each app: an older one of the same app says nothing more. So the stream
// is bounded by the number of apps, and a relinking edge is sent what it missed.
class ControlStream {
 public:
  using OnApplied = std::function<void(std::vector<std::string> pending_edges)>;

  // `id`: random, not 0; names the life of this broker.
  ControlStream(std::uint64_t id, const Clock& clock, const RuntimeLimits& limits,
                LimitCounters& counters);
  ControlStream(const ControlStream&) = delete;
  ControlStream& operator=(const ControlStream&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::uint64_t head() const { return head_; }

  // Tells all followers; returns the change's number.
  std::uint64_t append(std::string app, std::uint64_t version, std::string json);
  // Calls back when all edges that are linked now have applied `number` or are gone (with none: at
  // once), or after definitions_apply_wait_ms with the names of the rest.
  void wait_applied(std::uint64_t number, OnApplied on_applied);

  // The item to send behind `number`; nullptr at the head. Numbers may be left out, the last never:
  // whoever has been given all stands at head(). Good until the next append().
  [[nodiscard]] const ControlItem* next_after(std::uint64_t number) const;
  void add(ControlFollower& follower);
  void remove(ControlFollower& follower);
  // The follower's control_applied() rose.
  void on_applied(ControlFollower& follower);

  // From a timer: answers those who have waited long enough.
  void tick();

 private:
  struct Waiting {
    std::uint64_t number = 0;
    std::int64_t deadline_ms = 0;
    std::vector<ControlFollower*> pending;
    OnApplied on_applied;
  };
  void finish_due();

  std::uint64_t id_;
  const Clock& clock_;
  const RuntimeLimits& limits_;
  LimitCounters& counters_;
  std::uint64_t head_ = 0;
  std::map<std::string, ControlItem, std::less<>> items_;  // by app
  std::vector<ControlFollower*> followers_;
  std::vector<Waiting> waiting_;
};

}  // namespace tako::broker
