// Messages by the recovery's entries.
#include "broker/inspect/log_dump.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "broker/inspect/json_line.h"
#include "broker/inspect/retained.h"
#include "common/channel_name.h"

namespace tako::broker {
namespace {

struct Chosen {
  std::string_view app;
  std::string_view key;
  const JournalStream* stream = nullptr;
  std::size_t first = 0;  // index of the entry to begin with
};

std::vector<Chosen> choose(const JournalRecovery& recovery, const DumpFilter& filter,
                           std::int64_t now_ms) {
  std::vector<Chosen> chosen;
  for (const auto& [qualified, stream] : recovery.streams) {
    const auto [app, key] = split_qualified_key(qualified);
    if (!filter.app.empty() && app != filter.app) continue;
    if (!is_channel(key, filter.channel)) continue;
    chosen.push_back({app, key, stream.get(), count_passed(*stream, now_ms)});
  }
  std::ranges::sort(chosen, {}, [](const Chosen& each) { return std::tie(each.app, each.key); });
  return chosen;
}

Result<void> go_behind(std::vector<Chosen>& chosen, const Cursor& after) {
  if (chosen.size() != 1) {
    return fail(ErrorCode::BadRequest,
                "an id belongs to one channel, " + std::to_string(chosen.size()) +
                    " channels match; name one as `stats --channels` prints it");
  }
  Chosen& one = chosen.front();
  const JournalStream& stream = *one.stream;
  const std::uint64_t before_all = stream.head - stream.entries.size();
  const Resume resume = resume_at(after, {.epoch = stream.epoch,
                                          .head = stream.head,
                                          .oldest = before_all + one.first + 1,
                                          .older_epochs = stream.older_epochs});
  if (resume.gap) {
    return fail(ErrorCode::ReplayTooOld,
                "the log does not go on behind this id: " + std::string(to_string(resume.reason)));
  }
  one.first = static_cast<std::size_t>(resume.after - before_all);
  return {};
}

MessagePtr read(const JournalRecovery& recovery, const StreamEntry& entry) {
  const RecoveredSegment& segment = recovery.segments[entry.place().slot - 1];
  std::string bytes(entry.bytes(), '\0');
  const auto got = segment.file->read_at(entry.place().at(), bytes);
  if (!got) return nullptr;
  bytes.resize(*got);
  const auto found = log_format::decode_record(bytes, segment.header.salt, entry.place().at());
  if (!found || found->kind != log_format::Kind::Message) return nullptr;
  return StoredMessage::parse(std::string(found->body));
}

std::string describe(const Chosen& channel, const StoredMessage& message, const Position& batch) {
  const std::string& params = channel.stream->about;
  JsonLine line;
  line.text("id", to_string(message.position()))
      .text("app", channel.app)
      .text("channel", channel.key.substr(0, channel.key.find('?')))
      .json("params", params.empty() ? "{}" : params)
      .message(message)
      .time("time", message.time_ms());
  if (message.batch_rest() > 0 || batch != message.position()) line.text("batch", to_string(batch));
  return line.take();
}

// False: no more lines are wanted.
Result<bool> dump_channel(const JournalRecovery& recovery, const Chosen& channel, std::size_t& left,
                          const OnLine& on_line) {
  const JournalStream& stream = *channel.stream;
  const std::uint64_t before_all = stream.head - stream.entries.size();
  for (std::size_t i = channel.first; i < stream.entries.size(); ++i) {
    if (left-- == 0) return false;
    std::size_t first = i;
    while (first > 0 && !stream.entries[first].is_batch_first()) --first;
    const MessagePtr message = read(recovery, stream.entries[i]);
    if (message == nullptr) {
      return fail(ErrorCode::LogUnusable, "a message that was there can't be read any more");
    }
    if (!on_line(describe(channel, *message, {before_all + first + 1, message->epoch()}))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<void> dump_messages(const JournalRecovery& recovery, const DumpFilter& filter,
                           const std::optional<Cursor>& after, std::int64_t now_ms,
                           const OnLine& on_line) {
  std::vector<Chosen> chosen = choose(recovery, filter, now_ms);
  if (after) {
    if (auto found = go_behind(chosen, *after); !found) return found;
  }
  std::size_t left = filter.limit;
  for (const Chosen& channel : chosen) {
    const auto goes_on = dump_channel(recovery, channel, left, on_line);
    if (!goes_on) return std::unexpected(goes_on.error());
    if (!*goes_on) break;
  }
  return {};
}

}  // namespace tako::broker
