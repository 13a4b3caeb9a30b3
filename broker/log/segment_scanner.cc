// Reads ahead in large pieces; behind damage it tries each place at which a record may begin.
#include "broker/log/segment_scanner.h"

#include <algorithm>

namespace tako::broker {
namespace {

using log_format::kAlignment;

constexpr std::size_t kReadBytes = std::size_t{1} << 20U;
// What may be hashed to find the next record behind damage. Bytes that only look like the heads of
// large records could otherwise cost hours; then the rest of the segment is given up.
constexpr std::size_t kSearchBytesMax = std::size_t{512} << 20U;

}  // namespace

SegmentScanner::Step SegmentScanner::next() {
  Step step{.place = next_};
  if (next_ >= size_) return step;
  if (read_record(next_, step)) {
    next_ = step.end;
    return step;
  }
  if (error_ != 0) return {.what = What::Unreadable, .place = next_, .error = error_};
  if (next_ >= size_) return step;
  return pass_damage();
}

bool SegmentScanner::hold(std::uint64_t place, std::size_t count) {
  count = static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - place));
  const std::uint64_t held_end = bytes_at_ + bytes_.size();
  if (place >= bytes_at_ && place + count <= held_end) return true;
  const std::uint64_t wanted = std::max<std::uint64_t>(count, kReadBytes);
  bytes_.resize(static_cast<std::size_t>(std::min(wanted, size_ - place)));
  bytes_at_ = place;
  const auto got = file_.read_at(place, bytes_);
  if (!got) {
    error_ = got.error();
    bytes_.clear();
    return false;
  }
  // It was cut shorter after its size was asked for.
  if (*got < bytes_.size()) size_ = place + *got;
  bytes_.resize(*got);
  return true;
}

std::string_view SegmentScanner::held(std::uint64_t place) const {
  return std::string_view(bytes_).substr(static_cast<std::size_t>(place - bytes_at_));
}

bool SegmentScanner::read_record(std::uint64_t place, Step& step) {
  if (!hold(place, log_format::kRecordHeadBytes)) return false;
  const std::size_t size = log_format::claimed_size(held(place));
  if (size == 0 || place + size > size_ || !hold(place, size)) return false;
  const auto found = log_format::decode_record(held(place), salt_, place);
  if (!found) return false;
  step = {.what = What::Record,
          .record = *found,
          .place = place,
          .end = place + log_format::padded(size)};
  return true;
}

SegmentScanner::Step SegmentScanner::pass_damage() {
  const std::uint64_t begin = next_;
  std::size_t searched = 0;
  Step found;
  for (std::uint64_t place = begin + kAlignment; place < size_; place += kAlignment) {
    if (!hold(place, log_format::kRecordHeadBytes)) break;
    const std::size_t size = log_format::claimed_size(held(place));
    if (size == 0 || place + size > size_) continue;
    searched += size;
    if (searched > kSearchBytesMax) break;
    if (!read_record(place, found)) continue;
    next_ = place;
    return {.what = What::Damage, .place = begin, .end = place};
  }
  if (error_ != 0) return {.what = What::Unreadable, .place = begin, .error = error_};
  next_ = size_;
  return {.what = What::Torn, .place = begin, .end = size_};
}

}  // namespace tako::broker
