// Tables for people, one JSON object for programs.
#include "broker/takoctl/log_report.h"

#include <vector>

#include "broker/inspect/json_line.h"
#include "broker/takoctl/table.h"

namespace tako::takoctl {
namespace {

using broker::FindingKind;
using broker::JsonLine;
using broker::LogCheck;
using broker::LogFilesStats;
using broker::LogFinding;
using broker::utc_time;

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string describe(const LogFinding& finding) {
  std::string file = printable(finding.file);
  const std::string at = file + " at " + std::to_string(finding.at) + ": ";
  switch (finding.kind) {
    case FindingKind::Damaged:
      return at + counted(finding.count, "byte", "bytes") + " damaged: no record there is right";
    case FindingKind::Torn:
      return at + counted(finding.count, "byte", "bytes") +
             " torn off: a write that a kill cut short, or that is under way";
    case FindingKind::BadHeader:
      return file + ": no right header; nothing of it can be read";
    case FindingKind::OtherVersion:
      return file + ": format " + std::to_string(finding.count) + ", of another version";
    case FindingKind::Missing:
      return counted(finding.count, "segment", "segments") +
             (file.empty() ? " missing before the first" : " missing before " + file);
    case FindingKind::CutShort:
      return file + ": " + counted(finding.count, "byte", "bytes") + " cut off its end";
    case FindingKind::Unreadable:
      return at + finding.text;
    case FindingKind::LostRuns:
      return counted(finding.count, "channel misses", "channels miss") +
             " messages between others; what stands before them can't be given";
    case FindingKind::Unwritten:
      return file + ": made, but not written yet";
    case FindingKind::Foreign:
      return file + ": not a file of the log; it is left alone";
  }
  return file;
}

std::string describe_start(const LogCheck& check) {
  if (!check.refusal.empty()) return "would not start: " + printable(check.refusal);
  if (check.is_empty) return "begins a new log";
  std::string text = "finds " + counted(check.messages, "message", "messages") + " of " +
                     counted(check.channels, "channel", "channels");
  if (check.cut_bytes > 0) text += ", cuts off the torn end";
  if (check.continues) return text + ", goes on in every epoch";
  text += check.is_sound ? ", begins new epochs because the one before still runs or was killed"
                         : ", begins new epochs because of the damage or of a kill";
  return text + ": cursors up to a channel's head go on, later ones are told";
}

std::string time_or_dash(bool is_there, std::int64_t time_ms) {
  return is_there ? utc_time(time_ms) : "-";
}

std::string bytes_of(std::uint64_t bytes, std::uint64_t all) {
  const std::uint64_t percent = all == 0 ? 0 : bytes * 100 / all;
  return std::to_string(bytes) + " (" + std::to_string(percent) + " %)";
}

std::string channels_as_text(const LogFilesStats& stats) {
  std::vector<std::vector<std::string>> rows{
      {"APP", "CHANNEL", "MESSAGES", "BYTES", "KEYS", "OLDEST", "NEWEST", "HEAD"}};
  for (const broker::ChannelLogStats& channel : stats.channels) {
    const bool has_messages = channel.messages > 0;
    rows.push_back({printable(channel.app), printable(channel.channel),
                    std::to_string(channel.messages), std::to_string(channel.bytes),
                    std::to_string(channel.keys), time_or_dash(has_messages, channel.oldest_ms),
                    time_or_dash(has_messages, channel.newest_ms), channel.head});
  }
  return print_table(rows);
}

void add_times(JsonLine& line, std::uint64_t messages, std::int64_t oldest_ms,
               std::int64_t newest_ms) {
  if (messages == 0) return;
  line.time("oldest", oldest_ms).time("newest", newest_ms);
}

std::string joined(const std::vector<std::string>& objects) {
  std::string array = "[";
  for (const std::string& object : objects) {
    if (array.size() > 1) array += ',';
    array += object;
  }
  return array + ']';
}

std::string finding_as_json(const LogFinding& finding) {
  JsonLine line;
  line.text("kind", to_string(finding.kind)).flag("damage", is_damage(finding.kind));
  if (!finding.file.empty()) line.text("file", finding.file);
  switch (finding.kind) {
    case FindingKind::Damaged:
    case FindingKind::Torn:
      line.number("at", finding.at).number("bytes", finding.count);
      break;
    case FindingKind::CutShort:
      line.number("bytes", finding.count);
      break;
    case FindingKind::Missing:
      line.number("segments", finding.count);
      break;
    case FindingKind::LostRuns:
      line.number("channels", finding.count);
      break;
    case FindingKind::OtherVersion:
      line.number("version", finding.count);
      break;
    case FindingKind::Unreadable:
      line.number("at", finding.at).text("error", finding.text);
      break;
    case FindingKind::BadHeader:
    case FindingKind::Unwritten:
    case FindingKind::Foreign:
      break;
  }
  return line.take();
}

std::string start_as_json(const LogCheck& check) {
  JsonLine start;
  if (!check.refusal.empty()) return start.text("refused", check.refusal).take();
  return start.flag("continues", check.continues)
      .number("cutBytes", check.cut_bytes)
      .number("channels", check.channels)
      .number("messages", check.messages)
      .take();
}

}  // namespace

std::string check_as_text(const LogCheck& check, const std::string& path) {
  std::vector<std::vector<std::string>> rows{{"SEGMENT", "CREATED", "BYTES", "RECORDS", "DAMAGED"}};
  std::uint64_t damaged = 0;
  for (const broker::CheckedSegment& segment : check.segments) {
    rows.push_back({segment.file, time_or_dash(segment.version > 0, segment.created_ms),
                    std::to_string(segment.bytes), std::to_string(segment.records),
                    std::to_string(segment.damaged_bytes)});
    damaged += segment.damaged_bytes;
  }
  rows.push_back({counted(check.segments.size(), "segment", "segments"), "",
                  std::to_string(check.bytes), std::to_string(check.records),
                  std::to_string(damaged)});
  std::string text = print_table(rows) + '\n';
  for (const LogFinding& finding : check.findings) text += describe(finding) + '\n';
  if (check.findings_left_out > 0) {
    text += counted(check.findings_left_out, "finding", "findings") + " more\n";
  }
  text += "A broker that starts on this log " + describe_start(check) + ".\n";
  return text + printable(path) + (check.is_sound ? ": sound\n" : ": damaged\n");
}

std::string check_as_json(const LogCheck& check) {
  std::vector<std::string> segments;
  for (const broker::CheckedSegment& segment : check.segments) {
    JsonLine line;
    line.text("file", segment.file).number("bytes", segment.bytes);
    if (segment.version > 0) {
      line.number("version", segment.version).time("created", segment.created_ms);
    }
    segments.push_back(line.number("records", segment.records)
                           .number("damagedBytes", segment.damaged_bytes)
                           .take());
  }
  std::vector<std::string> findings;
  findings.reserve(check.findings.size());
  for (const LogFinding& finding : check.findings) findings.push_back(finding_as_json(finding));
  JsonLine line;
  return line.flag("sound", check.is_sound)
      .number("bytes", check.bytes)
      .number("records", check.records)
      .json("segments", joined(segments))
      .json("findings", joined(findings))
      .number("findingsLeftOut", check.findings_left_out)
      .json("start", start_as_json(check))
      .take();
}

std::string stats_as_text(const LogFilesStats& stats, bool lists_channels) {
  const bool has_messages = stats.messages > 0;
  std::string text = print_table({{"channels", std::to_string(stats.active_channels)},
                                  {"quiet channels", std::to_string(stats.quiet_channels)},
                                  {"messages", std::to_string(stats.messages)},
                                  {"message bytes", std::to_string(stats.message_bytes)},
                                  {"oldest", time_or_dash(has_messages, stats.oldest_ms)},
                                  {"newest", time_or_dash(has_messages, stats.newest_ms)},
                                  {"idempotency keys", std::to_string(stats.keys)},
                                  {"segments", std::to_string(stats.segments)},
                                  {"file bytes", std::to_string(stats.file_bytes)},
                                  {"live bytes", bytes_of(stats.live_bytes, stats.file_bytes)},
                                  {"dead bytes", bytes_of(stats.dead_bytes(), stats.file_bytes)}});
  if (lists_channels) text += '\n' + channels_as_text(stats);
  return text;
}

std::string stats_as_json(const LogFilesStats& stats, bool lists_channels) {
  JsonLine line;
  line.number("channels", stats.active_channels)
      .number("quietChannels", stats.quiet_channels)
      .number("messages", stats.messages)
      .number("messageBytes", stats.message_bytes);
  add_times(line, stats.messages, stats.oldest_ms, stats.newest_ms);
  line.number("keys", stats.keys)
      .number("segments", stats.segments)
      .number("fileBytes", stats.file_bytes)
      .number("liveBytes", stats.live_bytes)
      .number("deadBytes", stats.dead_bytes());
  if (!lists_channels) return line.take();
  std::vector<std::string> channels;
  for (const broker::ChannelLogStats& channel : stats.channels) {
    JsonLine one;
    one.text("app", channel.app).text("channel", channel.channel);
    if (!channel.params.empty()) one.json("params", channel.params);
    one.number("messages", channel.messages).number("bytes", channel.bytes);
    add_times(one, channel.messages, channel.oldest_ms, channel.newest_ms);
    one.number("keys", channel.keys).text("head", channel.head).flag("quiet", channel.is_quiet);
    channels.push_back(one.take());
  }
  return line.json("byChannel", joined(channels)).take();
}

}  // namespace tako::takoctl
