// check_log: what is in the log's files, what is wrong with them and where, what a start would do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/inspect/log_snapshot.h"
#include "common/result.h"

namespace tako::broker {

enum class FindingKind : std::uint8_t {
  Damaged,       // bytes that are no record, between records or at the end of an older segment
  BadHeader,     // a segment of which nothing can be read
  OtherVersion,  // a segment in a format that this program does not read
  Missing,       // `count` segments between others, or before the first
  CutShort,      // `count` bytes fewer than the next segment says
  Unreadable,    // the system refuses to read the file
  LostRuns,      // `count` channels that miss messages before others
  Torn,          // the end of the newest segment: a write that was, or is, under way
  Unwritten,     // the newest segment, made but without its header
  Foreign,       // a file that is none of the log's
};
[[nodiscard]] std::string_view to_string(FindingKind kind);  // `damaged`, `bad-header`, …
// A kill explains the rest, or it is nothing of the log's.
[[nodiscard]] constexpr bool is_damage(FindingKind kind) { return kind < FindingKind::Torn; }

struct LogFinding {
  FindingKind kind = FindingKind::Damaged;
  std::string file = {};    // empty: of the whole log
  std::uint64_t at = 0;     // in the file: Damaged, Torn
  std::uint64_t count = 0;  // bytes, unless the kind says else
  std::string text = {};    // what the system says: Unreadable
};

struct CheckedSegment {
  std::string file;
  std::uint64_t bytes = 0;
  std::uint16_t version = 0;    // 0: its header can't be read, and so nothing of it
  std::int64_t created_ms = 0;  // since 1970
  std::uint64_t records = 0;
  std::uint64_t damaged_bytes = 0;  // the torn end counts too
};

struct LogCheck {
  std::vector<CheckedSegment> segments;  // the oldest first
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::vector<LogFinding> findings;
  std::uint64_t findings_left_out = 0;  // above kFindingsMax
  bool is_sound = true;                 // no finding is damage

  // What a broker would do that starts on these files.
  std::string refusal;     // why it would not start; empty: it would
  bool continues = false;  // every epoch goes on
  bool is_empty = false;   // a new log begins
  std::uint64_t cut_bytes = 0;
  std::uint64_t messages = 0;
  std::uint64_t channels = 0;  // with messages or keys

  static constexpr std::size_t kFindingsMax = 10'000;
};

[[nodiscard]] LogCheck check_log(LogSnapshot& log);

}  // namespace tako::broker
