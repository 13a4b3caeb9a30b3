// Records as they stand in the files. A channel's number is bound by the states of its segment.
#include <map>
#include <string>
#include <vector>

#include "broker/inspect/json_line.h"
#include "broker/inspect/log_dump.h"
#include "broker/inspect/retained.h"
#include "broker/log/log_format.h"
#include "broker/log/segment_scanner.h"
#include "common/channel_name.h"
#include "proto/journal.pb.h"

namespace tako::broker {
namespace {

using log_format::FoundRecord;
using log_format::Kind;

std::string hex(std::uint64_t high, std::uint64_t low) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : {high, low}) {
    for (unsigned shift = 64; shift > 0; shift -= 4) text += kDigits[half >> (shift - 4) & 0xfU];
  }
  return text;
}

std::string epoch_text(std::uint64_t value) { return to_string(Epoch{value}); }

bool parse_body(auto& proto, std::string_view body) {
  return proto.ParseFromArray(body.data(), static_cast<int>(body.size()));
}

class RecordDump {
 public:
  RecordDump(const DumpFilter& filter, const OnLine& on_line)
      : filter_(filter), on_line_(on_line), left_(filter.limit) {}

  // False: no more lines are wanted.
  Result<bool> dump(const std::string& name, const LogFile& file,
                    const log_format::SegmentHeader& header) {
    using What = SegmentScanner::What;
    keys_.clear();
    SegmentScanner scanner(file, header, *file.size());
    while (true) {
      const SegmentScanner::Step step = scanner.next();
      if (step.what == What::End) return true;
      if (step.what == What::Unreadable) {
        return fail(ErrorCode::LogUnusable,
                    describe_file_error("the segment " + name + " can't be read", step.error));
      }
      JsonLine line;
      line.text("file", name).number("at", step.place).number("bytes", step.end - step.place);
      const bool is_wanted = step.what == What::Record
                                 ? describe(line, step.record)
                                 : has_no_filter() && is_described_damage(line, step.what);
      if (is_wanted && (left_-- == 0 || !on_line_(line.take()))) return false;
    }
  }

 private:
  [[nodiscard]] bool has_no_filter() const {
    return filter_.app.empty() && filter_.channel.empty();
  }

  static bool is_described_damage(JsonLine& line, SegmentScanner::What what) {
    line.text("kind", what == SegmentScanner::What::Torn ? "torn" : "damaged");
    return true;
  }

  // Says whose record it is; false: of a channel that is not wanted.
  bool describe_channel(JsonLine& line, std::uint32_t stream) {
    line.number("stream", stream);
    const auto found = keys_.find(stream);
    if (found == keys_.end()) return has_no_filter();  // Its state is damaged.
    const auto [app, key] = split_qualified_key(found->second);
    line.text("app", app).text("channel", key);
    return (filter_.app.empty() || filter_.app == app) && is_channel(key, filter_.channel);
  }

  bool describe(JsonLine& line, const FoundRecord& record) {
    switch (record.kind) {
      case Kind::Message:
        return describe_message(line, record);
      case Kind::State:
        return describe_state(line, record);
      case Kind::Key:
        return describe_key(line, record);
      case Kind::Start:
      case Kind::Base:
      case Kind::End:
        return has_no_filter() && describe_process(line, record);
    }
    line.number("kind", static_cast<std::uint64_t>(record.kind)).number("flags", record.flags);
    return has_no_filter();
  }

  bool describe_message(JsonLine& line, const FoundRecord& record) {
    line.text("kind", "message");
    const bool is_wanted = describe_channel(line, record.message.stream);
    line.number("offset", record.message.offset)
        .time("time", record.message.time_ms)
        .number("batchRest", record.message.batch_rest)
        .flag("batchFirst", (record.flags & log_format::kBatchFirst) != 0)
        .flag("moved", (record.flags & log_format::kMoved) != 0);
    const auto message = is_wanted ? StoredMessage::parse(std::string(record.body)) : nullptr;
    if (message != nullptr) line.text("id", to_string(message->position())).message(*message);
    return is_wanted;
  }

  bool describe_state(JsonLine& line, const FoundRecord& record) {
    proto::JournalState state;
    line.text("kind", "state");
    if (!parse_body(state, record.body)) return has_no_filter();
    keys_[state.stream()] = state.key();
    const bool is_wanted = describe_channel(line, state.stream());
    line.text("head", to_string(Position{state.head(), Epoch{state.epoch()}}));
    if (!state.about().empty()) line.json("params", state.about());
    std::string older;
    for (const proto::JournalEpochEnd& end : state.older_epochs()) {
      older += older.empty() ? "" : " ";
      older += to_string(Position{end.end_offset(), Epoch{end.epoch()}});
    }
    if (!older.empty()) line.text("olderEpochs", older);
    line.number("windowMs", static_cast<std::uint64_t>(state.window_ms()))
        .number("messagesMax", state.messages_max())
        .number("bytesMax", state.bytes_max());
    if (state.last_time_ms() > 0) line.time("lastTime", state.last_time_ms());
    if (state.quiet_until_ms() > 0) line.time("quietUntil", state.quiet_until_ms());
    return is_wanted;
  }

  bool describe_key(JsonLine& line, const FoundRecord& record) {
    proto::JournalKey key;
    line.text("kind", "key");
    if (!parse_body(key, record.body)) return has_no_filter();
    const bool is_wanted = describe_channel(line, key.stream());
    line.text("id", to_string(Position{key.offset(), Epoch{key.epoch()}}))
        .text("key", hex(key.key_high(), key.key_low()))
        .text("body", hex(key.body_high(), key.body_low()))
        .time("time", key.used_ms())
        .flag("moved", (record.flags & log_format::kMoved) != 0);
    return is_wanted;
  }

  static bool describe_process(JsonLine& line, const FoundRecord& record) {
    if (record.kind == Kind::Start) {
      proto::JournalStart start;
      line.text("kind", "start");
      if (!parse_body(start, record.body)) return true;
      line.text("epoch", epoch_text(start.base_epoch()))
          .flag("continues", start.continues())
          .time("time", start.time_ms());
      std::string older;
      for (const proto::JournalEpochEnd& end : start.older_bases()) {
        older += (older.empty() ? "" : " ") + epoch_text(end.epoch());
      }
      if (!older.empty()) line.text("olderBases", older);
    } else if (record.kind == Kind::Base) {
      proto::JournalBase base;
      line.text("kind", "base");
      if (parse_body(base, record.body)) line.text("epoch", epoch_text(base.base_epoch()));
    } else {
      proto::JournalEnd end;
      line.text("kind", "end");
      if (!parse_body(end, record.body)) return true;
      line.number("firstSegment", end.first_segment()).time("time", end.time_ms());
    }
    return true;
  }

  const DumpFilter& filter_;
  const OnLine& on_line_;
  std::size_t left_;
  std::map<std::uint32_t, std::string> keys_;  // of the segment's numbers
};

}  // namespace

Result<void> dump_records(LogSnapshot& log, const DumpFilter& filter, const OnLine& on_line) {
  RecordDump dump(filter, on_line);
  const std::vector<std::string> names = *log.list();
  for (const std::string& name : names) {
    if (!log_format::segment_number(name)) continue;
    const std::shared_ptr<LogFile> file = *log.open(name, false);
    std::string head(log_format::kHeaderBytes, '\0');
    const auto got = file->read_at(0, head);
    head.resize(got.value_or(0));
    const log_format::ReadHeader read = log_format::decode_header(head);
    if (read.fault != log_format::HeaderFault::None) continue;  // `check` tells.
    const auto goes_on = dump.dump(name, *file, read.header);
    if (!goes_on) return std::unexpected(goes_on.error());
    if (!*goes_on) break;
  }
  return {};
}

}  // namespace tako::broker
