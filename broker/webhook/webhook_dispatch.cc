// Prints events, and passes batches round the edges.
#include "broker/webhook/webhook_dispatch.h"

#include <algorithm>
#include <utility>

#include "common/json_text.h"
#include "common/position.h"

namespace tako::broker {
namespace {

constexpr std::int64_t kFirstPauseMs = 1'000;
constexpr std::int64_t kLongestPauseMs = 60'000;
constexpr std::uint32_t kDoublingsMax = 6;

bool is_success(std::uint32_t status) { return status >= 200 && status < 300; }

}  // namespace

WebhookDispatch::WebhookDispatch(const DefinitionsRegistry& definitions, StateStore& state,
                                 const Clock& clock, Random& random, const RuntimeLimits& limits,
                                 LimitCounters& counters)
    : definitions_(definitions),
      state_(state),
      clock_(clock),
      random_(random),
      limits_(limits),
      limit_counters_(counters),
      life_(to_string(make_epoch(random.next()))),
      last_lease_(random.next() >> 1U) {
  for (const std::string& app : definitions_.apps()) {
    apps_[app].queue =
        std::make_unique<WebhookQueue>(app, life_, state_, clock_, limits_, limit_counters_);
  }
}

void WebhookDispatch::restore() {
  for (auto& [id, app] : apps_) app.queue->restore();
}

const Definition* WebhookDispatch::told_of(const ChannelIdentity& channel) const {
  return definitions_.find(channel.app, channel.name);
}

void WebhookDispatch::channel_occupied(const ChannelIdentity& channel) {
  const Definition* definition = told_of(channel);
  if (definition != nullptr && definition->webhooks.channel_occupied) {
    tell(channel, "channel-occupied");
  }
}

void WebhookDispatch::channel_vacated(const ChannelIdentity& channel) {
  const Definition* definition = told_of(channel);
  if (definition != nullptr && definition->webhooks.channel_vacated) {
    tell(channel, "channel-vacated");
  }
}

void WebhookDispatch::member_entered(const ChannelIdentity& channel, std::string_view subject,
                                     std::string_view info, std::string_view data) {
  const Definition* definition = told_of(channel);
  if (definition == nullptr || !definition->webhooks.member_entered) return;
  std::string more = R"(,"subject":)" + json_string(subject);
  if (!info.empty()) more.append(R"(,"info":)").append(info);
  if (!data.empty()) more.append(R"(,"data":)").append(data);
  tell(channel, "member-entered", more);
}

void WebhookDispatch::member_left(const ChannelIdentity& channel, std::string_view subject,
                                  std::string_view reason) {
  const Definition* definition = told_of(channel);
  if (definition == nullptr || !definition->webhooks.member_left) return;
  tell(channel, "member-left",
       R"(,"subject":)" + json_string(subject) + R"(,"reason":)" + json_string(reason));
}

void WebhookDispatch::tell(const ChannelIdentity& channel, std::string_view type,
                           std::string_view more) {
  const auto found = apps_.find(channel.app);
  if (found == apps_.end()) return;
  std::string members = R"(,"channel":)" + json_string(channel.name);
  members += R"(,"params":)" + (channel.params_json.empty() ? "{}" : channel.params_json);
  members += R"(,"key":)" + json_string(channel.key);
  members.append(more);
  found->second.queue->add(type, members);
  ++counters_.events_total;
}

void WebhookDispatch::add(WebhookPoster& poster) { posters_.push_back(&poster); }

void WebhookDispatch::remove(WebhookPoster& poster) {
  std::erase(posters_, &poster);
  for (auto& [id, app] : apps_) {
    if (app.lease != 0 && app.poster == &poster) give_back(app);
  }
}

void WebhookDispatch::give_back(App& app) {
  app.lease = 0;
  app.queue->return_batch();
}

void WebhookDispatch::on_done(WebhookPoster& poster, std::uint64_t lease, std::uint32_t status) {
  for (auto& [id, app] : apps_) {
    if (lease == 0 || app.lease != lease || app.poster != &poster) continue;
    if (is_success(status)) {
      app.lease = 0;
      app.failures = 0;
      app.retry_at_ms = 0;
      app.queue->settle_batch();
      return;
    }
    ++counters_.batches_failed_total;
    app.retry_at_ms = clock_.monotonic_ms() + pause_ms(app.failures++);
    return give_back(app);
  }
}

// With jitter of a quarter: apps that fail together are not posted to together.
std::int64_t WebhookDispatch::pause_ms(std::uint32_t failures) {
  const std::int64_t whole =
      std::min(kLongestPauseMs, kFirstPauseMs << std::min(failures, kDoublingsMax));
  const auto quarter = static_cast<std::uint64_t>(whole / 4);
  return whole - static_cast<std::int64_t>(random_.below(quarter + 1));
}

void WebhookDispatch::tick() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  for (auto& [id, app] : apps_) {
    if (app.lease != 0 && app.lease_until_ms <= now_ms) {
      ++limit_counters_.webhook_lease_ms;
      ++counters_.batches_failed_total;
      give_back(app);
    }
    app.queue->drop_old();
    if (app.lease == 0 && app.retry_at_ms <= now_ms) lease(id, app);
  }
}

void WebhookDispatch::lease(const std::string& id, App& app) {
  if (posters_.empty() || !app.queue->has_batch()) return;
  next_poster_ = (next_poster_ + 1) % posters_.size();
  app.poster = posters_[next_poster_];
  app.lease = ++last_lease_;
  app.lease_until_ms = clock_.monotonic_ms() + limits_.webhook_lease_ms;
  ++counters_.batches_total;
  app.poster->post({.number = app.lease, .app = id, .body = app.queue->begin_batch()});
}

std::size_t WebhookDispatch::events() const {
  std::size_t sum = 0;
  for (const auto& [id, app] : apps_) sum += app.queue->size();
  return sum;
}

std::uint64_t WebhookDispatch::lost() const {
  std::uint64_t sum = 0;
  for (const auto& [id, app] : apps_) sum += app.queue->lost_total();
  return sum;
}

}  // namespace tako::broker
