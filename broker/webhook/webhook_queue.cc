// Keeps events as the JSON that is posted.
#include "broker/webhook/webhook_queue.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/check.h"
#include "common/json_text.h"

namespace tako::broker {
namespace {

constexpr std::size_t kBatchEventsMax = 100;
constexpr std::size_t kBatchBytesGoal = 256 * limits::kKiB;

std::string event_json(std::string_view id, std::string_view type, std::int64_t at_ms,
                       std::string_view members) {
  std::string json = R"({"id":)" + json_string(id) + R"(,"type":)" + json_string(type);
  json += R"(,"at":)" + std::to_string(at_ms);
  json.append(members);
  return json + '}';
}

std::int64_t time_of(std::string_view json) {
  const auto members = split_json_object(json);
  const JsonMember* at = members ? find_member(*members, "at") : nullptr;
  return at == nullptr ? 0 : json_integer_value(at->raw).value_or(0);
}

std::uint64_t number_from(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string lost_key(const std::string& app) { return "webhook/lost/" + app; }

}  // namespace

WebhookQueue::WebhookQueue(std::string app, std::string life, StateStore& state, const Clock& clock,
                           const RuntimeLimits& limits, LimitCounters& counters)
    : app_(std::move(app)),
      life_(std::move(life)),
      state_(state),
      clock_(clock),
      limits_(limits),
      counters_(counters) {}

// Rows come by key, so the digits keep the order.
std::string WebhookQueue::row_of(std::uint64_t number) const {
  constexpr std::size_t kDigits = 20;
  const std::string digits = std::to_string(number);
  return "webhook/event/" + app_ + '/' + std::string(kDigits - digits.size(), '0') + digits;
}

void WebhookQueue::restore() {
  for (StateRow& row : state_.restore("webhook/event/" + app_ + '/')) {
    last_ = number_from(std::string_view(row.key).substr(row.key.rfind('/') + 1));
    const std::int64_t at_ms = time_of(row.value);
    keep({.number = last_, .at_ms = at_ms, .json = std::move(row.value)});
  }
  for (const StateRow& row : state_.restore(lost_key(app_))) {
    if (row.key == lost_key(app_)) lost_ = number_from(row.value);
  }
}

void WebhookQueue::keep(Event event) {
  bytes_ += event.json.size();
  events_.push_back(std::move(event));
}

void WebhookQueue::add(std::string_view type, std::string_view members) {
  const std::int64_t now_ms = clock_.wall_ms();
  const std::uint64_t number = ++last_;
  std::string json = event_json('e' + std::to_string(number) + '-' + life_, type, now_ms, members);
  state_.put(row_of(number), json);
  keep({.number = number, .at_ms = now_ms, .json = std::move(json)});
  const auto is_over = [this](std::size_t have, std::size_t most, LimitCounter hits) {
    if (have <= most) return false;
    ++(counters_.*hits);
    return true;
  };
  while (events_.size() > in_batch_ &&
         (is_over(events_.size(), limits_.webhook_events_max, &LimitCounters::webhook_events_max) ||
          is_over(bytes_, limits_.webhook_bytes_max, &LimitCounters::webhook_bytes_max))) {
    lose(in_batch_);
  }
}

void WebhookQueue::drop_old() {
  const std::int64_t oldest_ms = clock_.wall_ms() - limits_.webhook_age_ms;
  while (events_.size() > in_batch_ && events_[in_batch_].at_ms <= oldest_ms) {
    ++counters_.webhook_age_ms;
    lose(in_batch_);
  }
}

void WebhookQueue::lose(std::size_t index) {
  const auto gone = events_.begin() + static_cast<std::ptrdiff_t>(index);
  state_.erase(row_of(gone->number));
  bytes_ -= gone->json.size();
  events_.erase(gone);
  ++lost_total_;
  set_lost(lost_ + 1);
}

// What is in a batch is not settled yet, so a restart has to tell it, too.
void WebhookQueue::set_lost(std::uint64_t lost) {
  lost_ = lost;
  const std::uint64_t told = lost_ + lost_in_batch_;
  told == 0 ? state_.erase(lost_key(app_)) : state_.put(lost_key(app_), std::to_string(told));
}

std::string WebhookQueue::print_lost() const {
  const std::uint64_t before = events_.empty() ? last_ + 1 : events_.front().number;
  return event_json('l' + std::to_string(before) + '-' + life_, "events-lost", clock_.wall_ms(),
                    R"(,"count":)" + std::to_string(lost_in_batch_));
}

std::string WebhookQueue::begin_batch() {
  TAKO_CHECK(has_batch());
  lost_in_batch_ = std::exchange(lost_, 0);
  std::string body = R"({"app":)" + json_string(app_);
  body += R"(,"sentAt":)" + std::to_string(clock_.wall_ms()) + R"(,"events":[)";
  if (lost_in_batch_ > 0) body += print_lost();
  while (in_batch_ < std::min(events_.size(), kBatchEventsMax) && body.size() < kBatchBytesGoal) {
    if (body.back() == '}') body += ',';
    body += events_[in_batch_++].json;
  }
  is_out_ = true;
  return body + "]}";
}

void WebhookQueue::settle_batch() {
  for (std::size_t left = in_batch_; left > 0; --left) {
    state_.erase(row_of(events_.front().number));
    bytes_ -= events_.front().json.size();
    events_.pop_front();
  }
  is_out_ = false;
  in_batch_ = 0;
  lost_in_batch_ = 0;
  set_lost(lost_);
}

void WebhookQueue::return_batch() {
  is_out_ = false;
  in_batch_ = 0;
  const std::uint64_t lost = lost_ + std::exchange(lost_in_batch_, 0);
  set_lost(lost);
}

}  // namespace tako::broker
