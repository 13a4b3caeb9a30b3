// As RetainedStreams and DiskLog do it when they run.
#include "broker/inspect/retained.h"

#include "common/limits.h"

namespace tako::broker {

std::size_t count_passed(const JournalStream& stream, std::int64_t now_ms) {
  const Ring<StreamEntry>& entries = stream.entries;
  const Retention& retention = stream.retention;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) bytes += entries[i].bytes();
  std::size_t passed = 0;
  while (passed < entries.size()) {
    const std::size_t batch = entries[passed].batch_rest() + std::size_t{1};
    const std::size_t rest = entries.size() - passed;
    const bool is_late =
        retention.window_ms > 0 && entries[passed].time_ms() + retention.window_ms <= now_ms;
    const bool is_over = rest > retention.messages_max || bytes > retention.bytes_max;
    // The newest batch stays in spite of the caps.
    if (!is_late && (!is_over || batch >= rest)) break;
    for (std::size_t i = 0; i < batch && passed < entries.size(); ++i) {
      bytes -= entries[passed++].bytes();
    }
  }
  return passed;
}

std::size_t count_keys(const JournalStream& stream, std::int64_t now_ms) {
  const std::int64_t lifetime_ms = key_lifetime_ms(stream.retention, limits::kForgottenHeadTtlMs);
  std::size_t count = 0;
  for (const JournalStream::Key& key : stream.keys) {
    if (key.key.used_ms + lifetime_ms > now_ms) ++count;
  }
  return count;
}

bool is_remembered(const JournalStream& stream, std::int64_t now_ms) {
  return stream.head > 0 && (stream.quiet_until_ms == 0 || stream.quiet_until_ms > now_ms);
}

bool is_channel(std::string_view key, std::string_view wanted) {
  if (wanted.empty() || key == wanted) return true;
  return key.size() > wanted.size() && key.starts_with(wanted) && key[wanted.size()] == '?';
}

}  // namespace tako::broker
