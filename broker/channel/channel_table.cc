// Owns the channels; walks through them a bounded number at a time.
#include "broker/channel/channel_table.h"

#include <algorithm>
#include <utility>

#include "common/channel_name.h"
#include "common/check.h"

namespace tako::broker {
namespace {

// Each channel is seen once in ten ticks, so about once a second; of one tick at most so many,
// which takes a millisecond.
constexpr std::size_t kTicksAround = 10;
constexpr std::size_t kVisitsMin = 128;
constexpr std::size_t kVisitsMax = 10'000;

}  // namespace

ChannelTable::ChannelTable(LogEngine& log, const DefinitionsRegistry& definitions,
                           const Clock& clock, const RuntimeLimits& limits,
                           LimitCounters& limit_counters)
    : log_(log),
      definitions_(definitions),
      clock_(clock),
      limits_(limits),
      limit_counters_(limit_counters) {
  log_.set_observer(this);
}

ChannelTable::~ChannelTable() { log_.set_observer(nullptr); }

Channel* ChannelTable::find(std::string_view app, std::string_view key) {
  const auto found = channels_.find(make_qualified_key(app, key));
  return found == channels_.end() ? nullptr : found->second.get();
}

Channel& ChannelTable::open(const ChannelIdentity& identity) {
  std::string qualified_key = make_qualified_key(identity.app, identity.key);
  if (const auto found = channels_.find(qualified_key); found != channels_.end()) {
    refresh_retention(*found->second);
    return *found->second;
  }
  auto made = std::make_unique<Channel>(identity, std::move(qualified_key));
  Channel& channel = *made;
  channel.retention_ = retention_of(channel);
  channel.definitions_version_ = definitions_.version(channel.app());
  channel.stream_ = log_.open(channel.qualified_key(), channel.params_json(), channel.retention_);
  return add(std::move(made));
}

Channel& ChannelTable::add(std::unique_ptr<Channel> made) {
  Channel& channel = *made;
  if (channel.stream_ >= by_stream_.size()) by_stream_.resize(std::size_t{channel.stream_} + 1);
  by_stream_[channel.stream_] = &channel;
  channels_.emplace(channel.qualified_key(), std::move(made));
  ++counters_.created_total;
  return channel;
}

void ChannelTable::restore() {
  for (const RecoveredStream& recovered : log_.take_recovered()) {
    const auto [app, key] = split_qualified_key(recovered.key);
    auto made =
        std::make_unique<Channel>(ChannelIdentity{.app = std::string(app),
                                                  .name = std::string(key.substr(0, key.find('?'))),
                                                  .key = std::string(key),
                                                  .params_json = recovered.about},
                                  recovered.key);
    made->stream_ = recovered.stream;
    made->retention_ = recovered.retention;
    Channel& channel = add(std::move(made));
    refresh_retention(channel);
    restore_keys(channel, recovered.keys);
  }
}

void ChannelTable::restore_keys(Channel& channel, const std::vector<RecoveredKey>& keys) {
  if (keys.empty()) return;
  channel.keys_ = std::make_unique<IdempotencyTable>();
  for (const RecoveredKey& key : keys) channel.keys_->restore(key);
  idempotency_keys_ += channel.keys_->size();
  expire_keys(channel);
}

ReplayWindow ChannelTable::window(std::string_view app, std::string_view key) {
  const std::string qualified_key = make_qualified_key(app, key);
  const auto found = channels_.find(qualified_key);
  return found == channels_.end() ? log_.quiet_window(qualified_key) : window(*found->second);
}

std::size_t ChannelTable::messages(const Channel& channel) {
  const ReplayWindow at = window(channel);
  return at.head + 1 - at.oldest;
}

void ChannelTable::for_each(std::string_view app,
                            const std::function<void(const Channel&)>& visit) {
  for (const auto& [key, channel] : channels_) {
    if (channel->app() == app) visit(*channel);
  }
}

void ChannelTable::tick() {
  log_.trim();
  const std::size_t share = std::clamp(by_stream_.size() / kTicksAround, kVisitsMin, kVisitsMax);
  const std::size_t visits = std::min(share, by_stream_.size());
  for (std::size_t i = 0; i < visits; ++i) {
    if (next_visited_ >= by_stream_.size()) next_visited_ = 0;
    if (Channel* channel = by_stream_[next_visited_++]; channel != nullptr) visit(*channel);
  }
}

void ChannelTable::visit(Channel& channel) {
  refresh_retention(channel);
  expire_keys(channel);
  forget_if_idle(channel);
}

void ChannelTable::expire_keys(Channel& channel) {
  if (channel.keys_ == nullptr) return;
  const std::int64_t lifetime_ms =
      key_lifetime_ms(channel.retention_, limits_.forgotten_head_ttl_ms);
  idempotency_keys_ -= channel.keys_->expire(clock_.wall_ms() - lifetime_ms);
  if (channel.keys_->size() == 0) channel.keys_.reset();
}

void ChannelTable::forget_if_idle(Channel& channel) {
  const bool is_used = !channel.sinks_.empty() || channel.appends_in_flight_ > 0 ||
                       channel.keys_ != nullptr || messages(channel) > 0;
  if (!is_used) forget(channel);
}

void ChannelTable::forget(Channel& channel) {
  log_.release(channel.stream_, channel.qualified_key(), head_ttl_ms(channel));
  by_stream_[channel.stream_] = nullptr;
  ++counters_.forgotten_total;
  channels_.erase(channel.qualified_key());
}

void ChannelTable::on_readable(StreamId stream) {
  TAKO_CHECK(stream < by_stream_.size() && by_stream_[stream] != nullptr);
  for (Sink* sink : by_stream_[stream]->sinks_) sink->on_appended();
}

void ChannelTable::refresh_retention(Channel& channel) {
  const std::uint64_t version = definitions_.version(channel.app());
  // Nothing was put yet: what an earlier process knew of the channel holds.
  if (channel.definitions_version_ == version || version == 0) return;
  channel.definitions_version_ = version;
  const Retention retention = retention_of(channel);
  if (channel.retention_ == retention) return;
  channel.retention_ = retention;
  log_.set_retention(channel.stream_, retention);
}

Retention ChannelTable::retention_of(const Channel& channel) const {
  const Definition* definition = definitions_.find(channel.app(), channel.name());
  // Of a channel whose definition was removed, what is stored leaves by the defaults.
  const std::size_t wanted = definition == nullptr ? 0 : definition->messages_max;
  const std::size_t cap = limits_.channel_messages_max;
  return {.window_ms =
              definition == nullptr ? Definition{}.replay_window_ms : definition->replay_window_ms,
          .messages_max = wanted == 0 ? cap : std::min(wanted, cap),
          .bytes_max = limits_.channel_bytes_max};
}

std::int64_t ChannelTable::head_ttl_ms(const Channel& channel) const {
  const Definition* definition = definitions_.find(channel.app(), channel.name());
  const std::int64_t wanted = definition == nullptr ? 0 : definition->inactivity_ttl_ms;
  const std::int64_t ttl_ms = limits_.forgotten_head_ttl_ms;
  return wanted == 0 ? ttl_ms : std::min(wanted, ttl_ms);
}

}  // namespace tako::broker
