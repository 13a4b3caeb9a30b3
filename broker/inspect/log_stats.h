// log_stats: what the log holds, channel by channel, and how much of its files that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/log/journal_recovery.h"

namespace tako::broker {

struct ChannelLogStats {
  std::string app;
  std::string channel;  // its key
  std::string params;   // JSON; may be empty
  std::string head;     // the newest message's id
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // of their records
  std::uint64_t keys = 0;
  std::int64_t oldest_ms = 0;  // only with messages
  std::int64_t newest_ms = 0;
  bool is_quiet = false;  // only the head is remembered
};

struct LogFilesStats {
  std::vector<ChannelLogStats> channels;  // by app and key; quiet ones among them
  std::uint64_t active_channels = 0;      // with messages or keys
  std::uint64_t quiet_channels = 0;
  std::uint64_t messages = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t keys = 0;
  std::int64_t oldest_ms = 0;
  std::int64_t newest_ms = 0;
  std::uint64_t segments = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t live_bytes = 0;  // records that are needed: messages, keys, states
  [[nodiscard]] std::uint64_t dead_bytes() const { return file_bytes - live_bytes; }
};

// `now_ms` says what has left its window.
[[nodiscard]] LogFilesStats log_stats(const JournalRecovery& recovery, std::int64_t now_ms);

}  // namespace tako::broker
