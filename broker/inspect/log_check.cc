// Goes through each segment by itself, for the places; then recovers the log as a start does.
#include "broker/inspect/log_check.h"

#include <optional>
#include <utility>

#include "broker/log/journal_recovery.h"
#include "broker/log/log_format.h"
#include "broker/log/segment_scanner.h"

namespace tako::broker {
namespace {

using log_format::HeaderFault;

class Check {
 public:
  explicit Check(LogSnapshot& log) : log_(log) {}

  LogCheck run() {
    const std::vector<std::string> names = *log_.list();
    for (const std::string& name : names) {
      if (const auto number = log_format::segment_number(name)) {
        segments_.push_back({.name = name, .number = *number, .file = *log_.open(name, false)});
      } else {
        add({.kind = FindingKind::Foreign, .file = name});
      }
    }
    for (Segment& segment : segments_) read_header(segment);
    for (const Segment& segment : segments_) {
      judge_place(segment);
      scan(segment);
      before_ = &segment;
    }
    foresee_start();
    return std::move(out_);
  }

 private:
  struct Segment {
    std::string name;
    std::uint64_t number = 0;
    std::shared_ptr<LogFile> file;
    std::optional<log_format::SegmentHeader> header = {};  // nullopt: nothing of it can be read

    [[nodiscard]] std::uint64_t size() const { return *file->size(); }  // fixed in the snapshot
  };

  void add(LogFinding finding) {
    if (is_damage(finding.kind)) out_.is_sound = false;
    if (out_.findings.size() < LogCheck::kFindingsMax) {
      out_.findings.push_back(std::move(finding));
    } else {
      ++out_.findings_left_out;
    }
  }

  void read_header(Segment& segment) {
    std::string head(log_format::kHeaderBytes, '\0');
    const auto got = segment.file->read_at(0, head);
    if (!got) return add_unreadable(segment, 0, got.error());
    head.resize(*got);
    const log_format::ReadHeader read = log_format::decode_header(head);
    if (read.fault == HeaderFault::TooNew || read.fault == HeaderFault::TooOld) {
      add({.kind = FindingKind::OtherVersion, .file = segment.name, .count = read.header.version});
    } else if (read.fault == HeaderFault::None && read.header.number == segment.number) {
      segment.header = read.header;
      last_ = &segment;
    } else if (head.size() < log_format::kHeaderBytes && segment.name == segments_.back().name) {
      add({.kind = FindingKind::Unwritten, .file = segment.name});
    } else {
      add({.kind = FindingKind::BadHeader, .file = segment.name});
    }
  }

  void add_unreadable(const Segment& segment, std::uint64_t at, int error) {
    add({.kind = FindingKind::Unreadable,
         .file = segment.name,
         .at = at,
         .text = describe_file_error("read", error)});
  }

  // Is it the next one, and is the one before as long as it was?
  void judge_place(const Segment& segment) {
    if (before_ == nullptr) return;
    const std::uint64_t skipped = segment.number - before_->number - 1;
    if (skipped > 0) {
      add({.kind = FindingKind::Missing, .file = segment.name, .count = skipped});
    } else if (segment.header && before_->header &&
               before_->size() < segment.header->previous_size) {
      add({.kind = FindingKind::CutShort,
           .file = before_->name,
           .count = segment.header->previous_size - before_->size()});
    }
  }

  void scan(const Segment& segment) {
    CheckedSegment checked{.file = segment.name, .bytes = segment.size()};
    if (segment.header) {
      checked.version = segment.header->version;
      checked.created_ms = segment.header->created_ms;
      SegmentScanner scanner(*segment.file, *segment.header, checked.bytes);
      while (take(segment, scanner.next(), checked)) {
      }
    }
    out_.bytes += checked.bytes;
    out_.records += checked.records;
    out_.segments.push_back(std::move(checked));
  }

  // False at the end.
  bool take(const Segment& segment, const SegmentScanner::Step& step, CheckedSegment& checked) {
    using What = SegmentScanner::What;
    if (step.what == What::End) return false;
    if (step.what == What::Record) {
      ++checked.records;
      return true;
    }
    if (step.what == What::Unreadable) {
      add_unreadable(segment, step.place, step.error);
      return false;
    }
    const bool is_torn = step.what == What::Torn && &segment == last_;
    checked.damaged_bytes += step.end - step.place;
    add({.kind = is_torn ? FindingKind::Torn : FindingKind::Damaged,
         .file = segment.name,
         .at = step.place,
         .count = step.end - step.place});
    return true;
  }

  void foresee_start() {
    auto recovery = recover_journal(log_, {.repairs = false});
    if (!recovery) {
      out_.refusal = recovery.error().detail;
      return;
    }
    out_.is_empty = !recovery->base_epoch;
    out_.continues = recovery->continues;
    out_.cut_bytes = recovery->findings.torn_bytes;
    for (const auto& [key, stream] : recovery->streams) {
      out_.messages += stream->entries.size();
      if (!stream->entries.empty() || !stream->keys.empty()) ++out_.channels;
    }
    if (recovery->findings.lost_runs > 0) {
      add({.kind = FindingKind::LostRuns, .count = recovery->findings.lost_runs});
    }
    // What only an end record knows of: segments before the first.
    const std::uint64_t missing = recovery->findings.missing_segments;
    const std::uint64_t told = gaps();
    if (missing > told) add({.kind = FindingKind::Missing, .count = missing - told});
  }

  // Numbers between readable segments that are not readable ones.
  [[nodiscard]] std::uint64_t gaps() const {
    std::uint64_t gaps = 0;
    const Segment* before = nullptr;
    for (const Segment& segment : segments_) {
      if (!segment.header) continue;
      if (before != nullptr) gaps += segment.number - before->number - 1;
      before = &segment;
    }
    return gaps;
  }

  LogSnapshot& log_;
  LogCheck out_;
  std::vector<Segment> segments_;
  const Segment* last_ = nullptr;    // that has a header: only this one may be torn
  const Segment* before_ = nullptr;  // the one that is looked at
};

}  // namespace

std::string_view to_string(FindingKind kind) {
  switch (kind) {
    case FindingKind::Damaged:
      return "damaged";
    case FindingKind::BadHeader:
      return "bad-header";
    case FindingKind::OtherVersion:
      return "other-version";
    case FindingKind::Missing:
      return "missing";
    case FindingKind::CutShort:
      return "cut-short";
    case FindingKind::Unreadable:
      return "unreadable";
    case FindingKind::LostRuns:
      return "lost-runs";
    case FindingKind::Torn:
      return "torn";
    case FindingKind::Unwritten:
      return "unwritten";
    case FindingKind::Foreign:
      return "foreign";
  }
  return "";
}

LogCheck check_log(LogSnapshot& log) { return Check(log).run(); }

}  // namespace tako::broker
