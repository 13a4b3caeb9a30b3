// Numbers changes, passes them to linked edges and waits for their word.
#include "broker/channel/control_stream.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace tako::broker {

ControlStream::ControlStream(std::uint64_t id, const Clock& clock, const RuntimeLimits& limits,
                             LimitCounters& counters)
    : id_(id), clock_(clock), limits_(limits), counters_(counters) {
  TAKO_CHECK(id != 0);  // An edge's word for "none yet".
}

std::uint64_t ControlStream::append(std::string app, std::uint64_t version, std::string json) {
  ControlItem item{.number = ++head_, .app = app, .version = version, .json = std::move(json)};
  items_.insert_or_assign(std::move(app), std::move(item));
  for (ControlFollower* follower : followers_) follower->on_control();
  return head_;
}

void ControlStream::wait_applied(std::uint64_t number, OnApplied on_applied) {
  std::vector<ControlFollower*> pending;
  std::ranges::copy_if(
      followers_, std::back_inserter(pending),
      [number](const ControlFollower* follower) { return follower->control_applied() < number; });
  if (pending.empty()) {
    on_applied({});
    return;
  }
  waiting_.push_back({.number = number,
                      .deadline_ms = clock_.monotonic_ms() + limits_.definitions_apply_wait_ms,
                      .pending = std::move(pending),
                      .on_applied = std::move(on_applied)});
}

const ControlItem* ControlStream::next_after(std::uint64_t number) const {
  const ControlItem* next = nullptr;
  for (const auto& [app, item] : items_) {
    if (item.number > number && (next == nullptr || item.number < next->number)) next = &item;
  }
  return next;
}

void ControlStream::add(ControlFollower& follower) { followers_.push_back(&follower); }

void ControlStream::remove(ControlFollower& follower) {
  std::erase(followers_, &follower);
  for (Waiting& waiting : waiting_) std::erase(waiting.pending, &follower);
  finish_due();
}

void ControlStream::on_applied(ControlFollower& follower) {
  for (Waiting& waiting : waiting_) {
    if (follower.control_applied() >= waiting.number) std::erase(waiting.pending, &follower);
  }
  finish_due();
}

void ControlStream::tick() { finish_due(); }

void ControlStream::finish_due() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  const auto is_open = [now_ms](const Waiting& waiting) {
    return !waiting.pending.empty() && waiting.deadline_ms > now_ms;
  };
  const auto due = std::ranges::stable_partition(waiting_, is_open);
  std::vector<Waiting> done{std::make_move_iterator(due.begin()),
                            std::make_move_iterator(due.end())};
  waiting_.erase(due.begin(), due.end());
  // Out of the list first: who is called back may put the next set.
  for (const Waiting& waiting : done) {
    std::vector<std::string> names;
    names.reserve(waiting.pending.size());
    for (const ControlFollower* follower : waiting.pending) {
      names.emplace_back(follower->edge_name());
    }
    if (!names.empty()) ++counters_.definitions_apply_wait_ms;
    waiting.on_applied(std::move(names));
  }
}

}  // namespace tako::broker
