// Decides what is due on a connection, and when to look again.
#include "edge/session/lifetimes.h"

#include <algorithm>

#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

std::int64_t earlier(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return a + b;  // 0 is never: the other one
  return std::min(a, b);
}

}  // namespace

std::int64_t jittered_lifetime_ms(std::int64_t lifetime_ms, Random& random) {
  return lifetime_ms -
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(lifetime_ms / 10 + 1)));
}

void ConnectionTimes::want_keepalive(std::int64_t interval_ms, std::int64_t now_ms) {
  keepalive_interval_ms_ = earlier(keepalive_interval_ms_, interval_ms);
  next_keepalive_ms_ = earlier(next_keepalive_ms_, now_ms + keepalive_interval_ms_);
}

void ConnectionTimes::end_by(std::int64_t ms) { end_ms_ = earlier(end_ms_, ms); }

ConnectionTimes::Due ConnectionTimes::check_ends(std::int64_t now_ms) const {
  if (patience_ms_ != 0 && patience_ms_ <= now_ms) return Due::Patience;
  if (end_ms_ != 0 && end_ms_ <= now_ms) return Due::Lifetime;
  return Due::Nothing;
}

ConnectionTimes::Due ConnectionTimes::check_websocket(std::int64_t now_ms,
                                                      std::int64_t last_received_ms) {
  if (const Due due = check_ends(now_ms); due != Due::Nothing) return due;
  if (keepalive_interval_ms_ == 0 || now_ms < next_keepalive_ms_) return Due::Nothing;
  if (now_ms - last_received_ms >= 2 * keepalive_interval_ms_) return Due::Silent;
  next_keepalive_ms_ = now_ms + keepalive_interval_ms_;
  return Due::Keepalive;
}

ConnectionTimes::Due ConnectionTimes::check_stream(std::int64_t now_ms, std::int64_t last_sent_ms) {
  if (const Due due = check_ends(now_ms); due != Due::Nothing) return due;
  if (keepalive_interval_ms_ == 0 || now_ms < next_keepalive_ms_) return Due::Nothing;
  next_keepalive_ms_ = std::max(next_keepalive_ms_, last_sent_ms + keepalive_interval_ms_);
  if (now_ms < next_keepalive_ms_) return Due::Nothing;  // Traffic postponed it.
  next_keepalive_ms_ = now_ms + keepalive_interval_ms_;
  return Due::Keepalive;
}

std::int64_t ConnectionTimes::next_ms() const {
  return earlier(earlier(patience_ms_, end_ms_),
                 keepalive_interval_ms_ == 0 ? 0 : next_keepalive_ms_);
}

void ConnectionTimes::save(proto::TimesRecord& record) const {
  record.set_keepalive_interval_ms(keepalive_interval_ms_);
  record.set_next_keepalive_ms(next_keepalive_ms_);
  record.set_end_ms(end_ms_);
  record.set_patience_ms(patience_ms_);
}

void ConnectionTimes::restore(const proto::TimesRecord& record) {
  keepalive_interval_ms_ = record.keepalive_interval_ms();
  next_keepalive_ms_ = record.next_keepalive_ms();
  end_ms_ = record.end_ms();
  patience_ms_ = record.patience_ms();
}

}  // namespace tako::edge
