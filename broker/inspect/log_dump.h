// Prints what is in the log as JSON lines: messages as a broker would give them, or raw records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "broker/inspect/log_snapshot.h"
#include "broker/log/journal_recovery.h"
#include "common/position.h"
#include "common/result.h"

namespace tako::broker {

struct DumpFilter {
  std::string app = {};      // empty: all
  std::string channel = {};  // is_channel() in retained.h
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};
// Without the line's end. Control characters are escaped, DEL and C1 among them: a line may go to a
// terminal. False: no more.
using OnLine = std::function<bool(std::string_view line)>;

//   {"id","app","channel","params","type","data","subject"?,"encoding"?,"time","batch"?}
//
// `batch`: the id of the first of several messages of one atomic batch. Channels by app and key,
// messages by offset; of each those that `now_ms` leaves in its window. `after`: only with a filter
// that one channel matches. Errors: BadRequest (not one channel), ReplayTooOld (the log does not
// go on behind `after`), LogUnusable (a record can't be read any more).
[[nodiscard]] Result<void> dump_messages(const JournalRecovery& recovery, const DumpFilter& filter,
                                         const std::optional<Cursor>& after, std::int64_t now_ms,
                                         const OnLine& on_line);

//   {"file","at","bytes","kind",…what the record says}
//
// Every record of every segment in the order of the files, needed or not, and damage where it is.
// With a filter: the records of such channels alone. Errors: LogUnusable.
[[nodiscard]] Result<void> dump_records(LogSnapshot& log, const DumpFilter& filter,
                                        const OnLine& on_line);

}  // namespace tako::broker
