// Where a subscriber starts: judged from the tail cache where that is certain, else by the broker.
#include <algorithm>

#include "edge/fanout/feed.h"

namespace tako::edge {
namespace {

// As many messages as a page may have, and as many bytes as an outbox takes.
constexpr std::uint32_t kPageMessages = limits::kHistoryPageMax;

}  // namespace

// A feed that nothing is known of yet stands where the other edge's stood, as after a lost link: so
// nobody waits for the broker. In a feed that is not as far yet a subscriber waits: see take_run().
bool Feed::continue_at(Subscriber& subscriber, const Position& handed_head) {
  if (!has_history_ && state_ == State::Idle) {
    has_history_ = true;
    window_.epoch = handed_head.epoch;
    window_.head = handed_head.offset;
  }
  const Position at = subscriber.asked_->position;
  if (!has_history_ || at.epoch != window_.epoch) return false;
  subscriber.cursor_ = at.offset;
  start(subscriber, {.at = at, .resumed = true, .gap = {}});
  return true;
}

bool Feed::judge(Subscriber& subscriber) {
  if (!subscriber.asked_) {
    start(subscriber, {.at = head(), .resumed = false, .gap = {}});
    return false;
  }
  trim_cache();
  const Cursor asked = *subscriber.asked_;
  ReplayWindow cached = window_;
  cached.oldest = first_cached();
  const Resume resume = resume_at(asked, cached);
  // Everything retained is here only if the cache reaches back to the log's oldest. A cursor that
  // is not in the cache may be older, or one that another edge gave out before the message got
  // here: in doubt the broker is asked.
  const bool is_certain = asked.from_oldest ? cached.oldest <= window_.oldest : !resume.gap;
  if (!is_certain) {
    subscriber.place_ = Place::Asking;
    request_page(asked);
    return true;
  }
  ++context_.counters.resumed_from_cache;
  const Position after{resume.after, window_.epoch};
  subscriber.cursor_ = resume.after;
  start(subscriber, {.at = asked.from_oldest ? after : asked.position, .resumed = true, .gap = {}});
  return false;
}

// The caller has set cursor_ when the start is not the head, nor behind a gap.
void Feed::start(Subscriber& subscriber, const Start& start) {
  if (start.gap) {
    subscriber.cursor_ = start.gap->to.offset;
    ++context_.counters.gaps_told;
  } else if (!start.resumed) {
    subscriber.cursor_ = window_.head;
  }
  subscriber.asked_.reset();
  subscriber.replay_to_ = window_.head;
  subscriber.place_ = Place::Behind;
  starting_ = &subscriber;  // What follows is pumped behind what the callback sends.
  subscriber.on_started(start);
  if (starting_ != &subscriber) return;  // It left, or is gone altogether.
  starting_ = nullptr;
  pump(subscriber);
}

void Feed::request_page(const Cursor& after) {
  if (std::ranges::find(fetches_, after, &Fetch::after) != fetches_.end()) {
    ++context_.counters.fetches_merged;
    return;
  }
  if (fetches_.size() >= context_.limits.fetches_per_feed_max) {
    ++context_.limit_counters.fetches_per_feed_max;  // Asked again when one of them returns.
    return;
  }
  ++context_.counters.fetches;
  const std::uint32_t id = ++last_fetch_;
  fetches_.push_back({id, after});
  FetchRequest request;
  request.channel = channel_;
  request.after = after;
  request.limit = kPageMessages;
  request.bytes_max = static_cast<std::uint32_t>(context_.limits.outbox_bytes_max);
  context_.host.fetch_for(*this, id, std::move(request));
}

void Feed::on_page(std::uint32_t fetch, Result<FetchPage> page) {
  const auto found = std::ranges::find(fetches_, fetch, &Fetch::id);
  if (found == fetches_.end()) return;  // The link was lost meanwhile.
  const Cursor after = found->after;
  fetches_.erase(found);
  if (!page) {
    give_up_page(after, page.error());
    return;
  }
  if (page->window.epoch != window_.epoch) {
    context_.host.retry_later(*this);  // This feed is about to hear of the other history.
    return;
  }
  window_.oldest = std::max(window_.oldest, page->window.oldest);
  for_each_waiting([&](Subscriber& subscriber) { use_page(subscriber, after, *page); });
  if (page->messages.empty()) {
    context_.host.retry_later(*this);
  } else {
    retry();
  }
}

// A page serves whoever stands inside of it, not only those who asked for it.
void Feed::use_page(Subscriber& subscriber, const Cursor& after, const FetchPage& page) {
  if (subscriber.place_ == Place::Asking) {
    if (subscriber.asked_ == after) start_from_page(subscriber, page);
    return;
  }
  if (subscriber.place_ != Place::Behind) return;
  const Position at{subscriber.cursor_, window_.epoch};
  if (page.gap && after.position == at && at.offset < window_.head) {
    subscriber.cursor_ = window_.head;
    subscriber.replay_to_ = 0;
    tell_gap(subscriber, {.from = at, .to = head(), .reason = *page.gap});
    pump(subscriber);
    return;
  }
  pump_range(subscriber, page.messages);
}

void Feed::start_from_page(Subscriber& subscriber, const FetchPage& page) {
  const Cursor asked = *subscriber.asked_;
  if (page.gap) {
    const Gap gap{.from = asked.position, .to = head(), .reason = *page.gap};
    start(subscriber, {.at = asked.position, .resumed = false, .gap = gap});
    return;
  }
  Position at = asked.position;
  if (asked.from_oldest) {
    const std::uint64_t oldest =
        page.messages.empty() ? page.window.oldest : page.messages.front()->position.offset;
    at = {oldest - 1, window_.epoch};
  }
  subscriber.cursor_ = at.offset;
  page_ = page.messages;
  start(subscriber, {.at = at, .resumed = true, .gap = {}});
  page_ = {};
}

void Feed::give_up_page(const Cursor& after, const Error& error) {
  for_each_waiting([&](Subscriber& subscriber) {
    if (subscriber.place_ == Place::Asking && subscriber.asked_ == after) end(subscriber, error);
  });
  context_.host.retry_later(*this);  // For those who are behind: they stay.
}

}  // namespace tako::edge
