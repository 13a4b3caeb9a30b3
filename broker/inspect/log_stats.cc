// Adds up what a recovery has found.
#include "broker/inspect/log_stats.h"

#include <algorithm>

#include "broker/inspect/retained.h"
#include "common/channel_name.h"

namespace tako::broker {
namespace {

ChannelLogStats describe(const JournalStream& stream, std::int64_t now_ms) {
  const auto [app, key] = split_qualified_key(stream.key);
  ChannelLogStats channel{.app = std::string(app),
                          .channel = std::string(key),
                          .params = stream.about,
                          .head = to_string(Position{stream.head, stream.epoch})};
  const std::size_t passed = count_passed(stream, now_ms);
  for (std::size_t i = passed; i < stream.entries.size(); ++i) {
    channel.bytes += stream.entries[i].bytes();
  }
  channel.messages = stream.entries.size() - passed;
  channel.keys = count_keys(stream, now_ms);
  channel.is_quiet = channel.messages == 0 && channel.keys == 0;
  if (channel.messages == 0) return channel;
  channel.oldest_ms = stream.entries[passed].time_ms();
  channel.newest_ms = stream.entries.back().time_ms();
  return channel;
}

std::uint64_t key_bytes(const JournalStream& stream, std::size_t count) {
  std::uint64_t bytes = 0;
  for (std::size_t i = stream.keys.size() - count; i < stream.keys.size(); ++i) {
    bytes += stream.keys[i].bytes;
  }
  return bytes;
}

void add(LogFilesStats& stats, const ChannelLogStats& channel) {
  ++(channel.is_quiet ? stats.quiet_channels : stats.active_channels);
  stats.messages += channel.messages;
  stats.message_bytes += channel.bytes;
  stats.keys += channel.keys;
  if (channel.messages == 0) return;
  const bool is_first = stats.messages == channel.messages;
  stats.oldest_ms = is_first ? channel.oldest_ms : std::min(stats.oldest_ms, channel.oldest_ms);
  stats.newest_ms = std::max(stats.newest_ms, channel.newest_ms);
}

}  // namespace

LogFilesStats log_stats(const JournalRecovery& recovery, std::int64_t now_ms) {
  LogFilesStats stats;
  stats.segments = recovery.segments.size();
  for (const RecoveredSegment& segment : recovery.segments) stats.file_bytes += segment.size;
  for (const auto& [key, stream] : recovery.streams) {
    ChannelLogStats channel = describe(*stream, now_ms);
    if (channel.is_quiet && !is_remembered(*stream, now_ms)) continue;
    add(stats, channel);
    stats.live_bytes += channel.bytes + key_bytes(*stream, channel.keys) + stream->state_bytes;
    stats.channels.push_back(std::move(channel));
  }
  std::ranges::sort(stats.channels, {}, [](const ChannelLogStats& channel) {
    return std::tie(channel.app, channel.channel);
  });
  return stats;
}

}  // namespace tako::broker
