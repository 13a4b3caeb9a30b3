// SegmentScanner: goes through one segment file, record by record, over damage too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/log/log_files.h"
#include "broker/log/log_format.h"

namespace tako::broker {

class SegmentScanner {
 public:
  enum class What : std::uint8_t {
    Record,      // a whole one
    Damage,      // from `place` to `end` no record has a right checksum; whole ones follow
    Torn,        // the same, up to the end of the file
    End,         // of the file
    Unreadable,  // the file can't be read: `error`
  };
  struct Step {
    What what = What::End;
    log_format::FoundRecord record = {};  // views are good until the next step
    std::uint64_t place = 0;              // in the file
    std::uint64_t end = 0;                // behind it, and its pad
    int error = 0;
  };

  // `file` and its header were read already; both outlive the scanner. `size`: how far to go; less
  // when the file is shorter by now.
  SegmentScanner(const LogFile& file, const log_format::SegmentHeader& header, std::uint64_t size)
      : file_(file), salt_(header.salt), size_(size) {}

  [[nodiscard]] Step next();

 private:
  // Makes bytes_ hold `count` bytes from `place` on, or all there are. False: `error_`.
  bool hold(std::uint64_t place, std::size_t count);
  [[nodiscard]] std::string_view held(std::uint64_t place) const;
  // A whole record at `place`, if there is one.
  bool read_record(std::uint64_t place, Step& step);
  Step pass_damage();

  const LogFile& file_;
  const std::uint64_t salt_;
  std::uint64_t size_;
  std::uint64_t next_ = log_format::kHeaderBytes;
  std::string bytes_;  // of the file, from bytes_at_ on
  std::uint64_t bytes_at_ = 0;
  int error_ = 0;
};

}  // namespace tako::broker
