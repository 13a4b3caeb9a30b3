// Numbers changes, passes them to linked edges and waits for their word.
#include "broker/channel/control_stream.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace tako::broker {

ControlStream::ControlStream(std::uint64_t id, const Clock& clock, const RuntimeLimits& limits,
                             LimitCounters& counters)
    : id_(id),
      clock_(clock),
      limits_(limits),
      counters_(counters),
      revocations_(clock, limits, counters) {
  TAKO_CHECK(id != 0);  // An edge's word for "none yet".
}

void ControlStream::restore(RevocationStore& store) {
  TAKO_CHECK(head_ == 0);
  KeptRevocations kept = store.restore(id_, clock_.wall_ms());
  revocations_.set_keeper(&store);
  previous_id_ = kept.stream;
  for (const KeptRevocations::Passed& passed : kept.passed) {
    revocations_.restore_passed(++head_, passed.app, passed.at_ms);
    previous_passed_ = std::max(previous_passed_, passed.number);
  }
  restored_passed_ = head_;
  for (Revocation& revocation : kept.revocations) append(std::move(revocation));
}

std::uint64_t ControlStream::start_of(std::uint64_t stream, std::uint64_t applied) const {
  if (stream == id_) return applied <= head_ ? applied : 0;
  const bool has_applied = stream != 0 && stream == previous_id_ && applied >= previous_passed_;
  return has_applied ? restored_passed_ : 0;
}

std::uint64_t ControlStream::append(DefinitionsChange change) {
  std::string app = change.app;
  definitions_.insert_or_assign(std::move(app), ControlItem{++head_, std::move(change)});
  return tell();
}

std::uint64_t ControlStream::append(Revocation revocation) {
  revocations_.add(++head_, std::move(revocation));
  return tell();
}

std::uint64_t ControlStream::tell() {
  for (ControlFollower* follower : followers_) follower->on_control();
  return head_;
}

void ControlStream::wait_applied(std::uint64_t number, OnApplied on_applied) {
  wait({.number = number,
        .is_revocation = false,
        .deadline_ms = clock_.monotonic_ms() + limits_.definitions_apply_wait_ms,
        .pending = {},
        .outcome = {},
        .on_applied = std::move(on_applied)});
}

void ControlStream::wait_revoked(std::uint64_t number, OnApplied on_applied) {
  wait({.number = number,
        .is_revocation = true,
        .deadline_ms = clock_.monotonic_ms() + limits_.revocation_apply_wait_ms,
        .pending = {},
        .outcome = {},
        .on_applied = std::move(on_applied)});
}

void ControlStream::wait(Waiting waiting) {
  for (ControlFollower* follower : followers_) {
    if (waiting.is_revocation && !follower->takes_revocations()) {
      waiting.outcome.pending.emplace_back(follower->edge_name());
    } else if (follower->control_applied() < waiting.number) {
      waiting.pending.push_back(follower);
    }
  }
  if (waiting.pending.empty()) return waiting.on_applied(std::move(waiting.outcome));
  waiting_.push_back(std::move(waiting));
}

const ControlItem* ControlStream::next_after(std::uint64_t number) const {
  const ControlItem* next = revocations_.next_after(number);
  for (const auto& [app, item] : definitions_) {
    if (item.number > number && (next == nullptr || item.number < next->number)) next = &item;
  }
  return next;
}

void ControlStream::add(ControlFollower& follower) { followers_.push_back(&follower); }

void ControlStream::remove(ControlFollower& follower) {
  std::erase(followers_, &follower);
  for (Waiting& waiting : waiting_) {
    const bool was_pending = std::erase(waiting.pending, &follower) > 0;
    if (was_pending && waiting.is_revocation) {
      waiting.outcome.pending.emplace_back(follower.edge_name());
    }
  }
  finish_due();
}

void ControlStream::on_applied(ControlFollower& follower, std::uint32_t subscriptions) {
  const std::uint64_t applied = follower.control_applied();
  for (Waiting& waiting : waiting_) {
    if (applied < waiting.number || std::erase(waiting.pending, &follower) == 0) continue;
    if (applied == waiting.number) waiting.outcome.subscriptions += subscriptions;
  }
  finish_due();
}

void ControlStream::tick() {
  finish_due();
  revocations_.tick();
}

void ControlStream::finish_due() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  const auto is_open = [now_ms](const Waiting& waiting) {
    return !waiting.pending.empty() && waiting.deadline_ms > now_ms;
  };
  const auto due = std::ranges::stable_partition(waiting_, is_open);
  std::vector<Waiting> done{std::make_move_iterator(due.begin()),
                            std::make_move_iterator(due.end())};
  waiting_.erase(due.begin(), due.end());
  // Out of the list first: who is called back may make the next change.
  for (Waiting& waiting : done) {
    if (!waiting.pending.empty()) {
      ++(waiting.is_revocation ? counters_.revocation_apply_wait_ms
                               : counters_.definitions_apply_wait_ms);
    }
    for (const ControlFollower* follower : waiting.pending) {
      waiting.outcome.pending.emplace_back(follower->edge_name());
    }
    waiting.on_applied(std::move(waiting.outcome));
  }
}

}  // namespace tako::broker
