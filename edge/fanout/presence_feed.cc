// Who is in a channel at this edge, and what the broker is told of it.
#include "edge/fanout/presence_feed.h"

#include <utility>

#include "common/check.h"

namespace tako::edge {

std::string_view to_string(PresenceEnd end) {
  switch (end) {
    case PresenceEnd::Lost:
      return "lost";
    case PresenceEnd::Left:
      return "left";
    case PresenceEnd::Expired:
      return "expired";
    case PresenceEnd::Revoked:
      return "revoked";
  }
  return "lost";
}

std::string_view to_string(PresenceAction action) {
  switch (action) {
    case PresenceAction::Enter:
      return "enter";
    case PresenceAction::Update:
      return "update";
    case PresenceAction::Leave:
      return "leave";
  }
  return "update";
}

PresenceSubscriber::~PresenceSubscriber() { leave(PresenceEnd::Lost); }

void PresenceSubscriber::enter() {
  if (feed_ != nullptr) feed_->enter(*this);
}

void PresenceSubscriber::unlist(PresenceEnd reason) {
  if (feed_ != nullptr) feed_->unlist(*this, reason);
}

void PresenceSubscriber::set_wish(PresenceWish wish) {
  if (feed_ != nullptr) feed_->set_wish(*this, wish);
}

void PresenceSubscriber::set_sink(FrameSink* sink) {
  if (feed_ != nullptr) feed_->set_sink(*this, sink);
}

void PresenceSubscriber::pump() {
  if (feed_ != nullptr) feed_->pump(*this);
}

void PresenceSubscriber::leave(PresenceEnd reason) {
  if (feed_ != nullptr) feed_->leave(*this, reason);
}

std::optional<PresenceVersion> PresenceSubscriber::told() const {
  return feed_ == nullptr ? std::nullopt : feed_->told(*this);
}

PresenceFeed::PresenceFeed(PresenceContext& context, ChannelNumber number, ChannelIdentity channel)
    : context_(context), number_(number), channel_(std::move(channel)) {
  ++context_.counters.feeds;
}

PresenceFeed::~PresenceFeed() {
  // The end of the program: sessions that are still there must not find a feed that is gone.
  const auto let_go = [](const Entries& entries) {
    for (const Entry& entry : entries) entry.subscriber->feed_ = nullptr;
  };
  for (const auto& by_form : current_) {
    for (const Entries& entries : by_form) let_go(entries);
  }
  let_go(behind_);
  let_go(silent_);
  context_.counters.watchers -= watchers_[0] + watchers_[1];
  context_.counters.listed -= sessions_.size();
  context_.counters.goodbyes_kept -= goodbyes_.size();
  --context_.counters.feeds;
}

void PresenceFeed::join(PresenceSubscriber& subscriber, const PresenceJoin& join) {
  TAKO_CHECK(subscriber.feed_ == nullptr);
  subscriber.feed_ = this;
  subscriber.sink_ = nullptr;
  subscriber.form_ = join.form;
  ++subscribers_;
  put(subscriber, Place::Silent);
  set_wish(subscriber, join.wish);
  subscriber.told_ = join.has;
  if (!is_open_ && context_.broker.takes_presence()) say_all();
  context_.host.on_report_changed(*this);
}

void PresenceFeed::leave(PresenceSubscriber& subscriber, PresenceEnd reason) {
  unlist(subscriber, reason);
  set_wish(subscriber, PresenceWish::Nothing);
  take_out(subscriber);
  subscriber.feed_ = nullptr;
  --subscribers_;
  context_.host.on_report_changed(*this);
  if (subscribers_ == 0) context_.host.on_quiet(*this);
}

void PresenceFeed::enter(PresenceSubscriber& subscriber) {
  if (subscriber.session_ == 0) {
    subscriber.session_ = ++context_.last_session;
    sessions_.emplace(subscriber.session_, &subscriber);
    ++context_.counters.listed;
  }
  if (can_say()) {
    context_.broker.presence_session(number_, subscriber.session_, subscriber.listing());
  }
}

// One that is lost needs no word: it is missing when everything is said anew.
void PresenceFeed::unlist(PresenceSubscriber& subscriber, PresenceEnd reason) {
  if (subscriber.session_ == 0) return;
  if (can_say()) {
    context_.broker.presence_gone(number_, subscriber.session_, reason);
  } else if (reason != PresenceEnd::Lost && context_.broker.has_presence()) {
    keep_goodbye(subscriber, reason);
  }
  forget_session(subscriber);
}

void PresenceFeed::forget_session(PresenceSubscriber& subscriber) {
  sessions_.erase(std::exchange(subscriber.session_, 0));
  --context_.counters.listed;
}

// Above the bound it is lost without a word, and leaves when its grace is over.
void PresenceFeed::keep_goodbye(const PresenceSubscriber& subscriber, PresenceEnd reason) {
  if (context_.counters.goodbyes_kept >= context_.limits.link_pending_requests_max) {
    ++context_.limit_counters.link_pending_requests_max;
    return;
  }
  const PresenceListing listing = subscriber.listing();
  goodbyes_.push_back({.subject = std::string(listing.subject),
                       .info = std::string(listing.info),
                       .data = std::string(listing.data),
                       .data_set_ms = listing.data_set_ms,
                       .session = subscriber.session_,
                       .reason = reason});
  ++context_.counters.goodbyes_kept;
}

// The broker does not know these clients on this link: they come, and go at once.
void PresenceFeed::say_goodbyes() {
  for (const Goodbye& goodbye : std::exchange(goodbyes_, {})) {
    context_.broker.presence_session(number_, goodbye.session,
                                     {.subject = goodbye.subject,
                                      .info = goodbye.info,
                                      .data = goodbye.data,
                                      .data_set_ms = goodbye.data_set_ms});
    context_.broker.presence_gone(number_, goodbye.session, goodbye.reason);
    --context_.counters.goodbyes_kept;
  }
}

void PresenceFeed::on_link_up() {
  if (context_.broker.takes_presence()) say_all();
}

void PresenceFeed::say_all() {
  is_open_ = true;
  open();
  for (const auto& [session, subscriber] : sessions_) {
    context_.broker.presence_session(number_, session, subscriber->listing());
  }
  say_goodbyes();
}

void PresenceFeed::open() {
  said_ = make_report();
  const bool goes_on = wants_list_ && mirror_.is_known() && !is_list_due_;
  context_.broker.presence_open(number_, channel_, said_,
                                goes_on ? std::optional(mirror_.version()) : std::nullopt);
}

void PresenceFeed::ask_anew() {
  ++context_.counters.holes_from_broker;
  is_list_due_ = true;
  context_.broker.presence_close(number_);
  say_all();
}

PresenceReport PresenceFeed::make_report() const {
  return {.connections = static_cast<std::uint32_t>(subscribers_),
          .wants_list = wants_list_,
          .wants_counts = wants_counts_};
}

void PresenceFeed::report() {
  if (can_say() && make_report() != said_) open();
}

void PresenceFeed::add_watcher(PresenceWish wish) {
  if (wish == PresenceWish::Nothing) return;
  ++watchers_[index_of(wish)];
  ++context_.counters.watchers;
  (wish == PresenceWish::List ? wants_list_ : wants_counts_) = true;
  report();
}

void PresenceFeed::remove_watcher(PresenceWish wish) {
  if (wish == PresenceWish::Nothing) return;
  --watchers_[index_of(wish)];
  --context_.counters.watchers;
  if (watchers_[index_of(wish)] == 0) context_.host.on_quiet(*this);
}

void PresenceFeed::stop_watching() {
  if (watchers_[index_of(PresenceWish::List)] == 0) {
    wants_list_ = is_list_due_ = false;
    mirror_.forget();
    list_frames_ = {};
  }
  if (watchers_[index_of(PresenceWish::Counts)] == 0) {
    wants_counts_ = has_counts_ = false;
    counts_frames_ = {};
  }
  report();
}

}  // namespace tako::edge
