// Recovers what the journal's files hold: streams, messages, keys, epochs; and what is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/log/log_engine.h"
#include "broker/log/log_files.h"
#include "broker/log/log_format.h"
#include "broker/log/place.h"
#include "broker/log/ring.h"
#include "common/result.h"

namespace tako::broker {

struct RecoveredSegment {
  log_format::SegmentHeader header;
  std::shared_ptr<LogFile> file;
  std::uint64_t size = 0;  // up to the last whole record
};

// Places count segments from 1, in the order of JournalRecovery::segments.
struct JournalStream {
  // A message that was carried forward from an older segment.
  struct Moved {
    std::uint64_t offset = 0;
    StreamEntry entry;
  };
  struct Key {
    RecoveredKey key;
    Place place;
    std::uint32_t bytes = 0;
  };

  std::string key;
  std::string about;
  Retention retention;
  Epoch epoch;
  std::uint64_t head = 0;
  std::vector<EpochEnd> older_epochs;
  std::int64_t last_time_ms = 0;
  std::int64_t quiet_until_ms = 0;  // 0: the stream was open
  Place state;
  std::uint32_t state_bytes = 0;
  Ring<StreamEntry> entries;  // dense, up to the head
  std::vector<Moved> moved;   // only while recovering
  std::vector<Key> keys;      // in the order of their use
};

// Why the log can't simply go on where it stopped.
struct RecoveryFindings {
  std::uint64_t damaged_records = 0;  // runs of bytes that are no record, inside a segment
  std::uint64_t damaged_bytes = 0;
  std::uint64_t torn_bytes = 0;        // at the end: the process was killed while it wrote
  std::uint64_t missing_segments = 0;  // between others, or before the first
  std::uint64_t cut_segments = 0;      // shorter than the next one says
  std::uint64_t damaged_segments = 0;  // without a right header: nothing of them is read
  std::uint64_t lost_runs = 0;         // streams that miss messages before others
  std::vector<std::string> foreign;    // files that are none of the journal's
};

struct JournalRecovery {
  std::vector<RecoveredSegment> segments;
  std::unordered_map<std::string, std::unique_ptr<JournalStream>> streams;  // by key
  std::optional<Epoch> base_epoch;    // nullopt: there was no log
  std::vector<EpochEnd> older_bases;  // RetainedStreams::older_bases
  // The process before ended in order, and nothing is damaged that it did not know of: every epoch
  // goes on.
  bool continues = false;
  std::uint64_t last_number = 0;  // of a segment, readable or not; 0: there is none
  RecoveryFindings findings;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> removable;  // numbers of segments that hold no record at all
};

struct RecoveryOptions {
  std::size_t older_epochs_max = 8;
  // The folder is nobody else's: torn ends are cut off. Else files are only read.
  bool repairs = true;
};

// Errors: LogUnusable: the folder can't be read or written, or a newer version wrote it.
[[nodiscard]] Result<JournalRecovery> recover_journal(LogFolder& folder,
                                                      const RecoveryOptions& options);

// Ends the epoch of a stream at its head and begins `epoch`; a stream without messages begins it.
// Returns whether an older one had to be given up.
bool end_epoch(Epoch epoch, std::uint64_t head, Epoch& current, std::vector<EpochEnd>& older,
               std::size_t older_max);

// As an operator should read it: "fdatasync: Input/output error".
[[nodiscard]] std::string describe_file_error(std::string_view what, int error);

}  // namespace tako::broker
