// Scans in the reader's thread, puts in the loop's.
#include "broker/log/segment_mover.h"

#include <utility>

#include "broker/log/segment_scanner.h"
#include "proto/journal.pb.h"

namespace tako::broker {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10U;

std::uint32_t stream_of(const SegmentRecord& record) {
  if (record.kind == log_format::Kind::Message) return record.head.stream;
  proto::JournalKey key;
  return key.ParseFromString(record.body) ? key.stream() : 0;
}

}  // namespace

struct SegmentMover::Job {
  Job(const Journal& journal, std::uint32_t of_slot)
      : slot(of_slot),
        number(journal.segment_number(of_slot)),
        source(journal.source(of_slot)),
        scanner(*source.file, {.salt = source.salt}, journal.segment_size(of_slot)) {}

  void read_piece() {
    records.clear();
    for (std::size_t bytes = 0; bytes < kPieceBytes;) {
      const SegmentScanner::Step step = scanner.next();
      is_at_end =
          step.what == SegmentScanner::What::End || step.what == SegmentScanner::What::Unreadable;
      if (is_at_end) return;
      if (step.what != SegmentScanner::What::Record) continue;
      bytes += static_cast<std::size_t>(step.end - step.place);
      records.push_back(
          {.kind = step.record.kind,
           .flags = step.record.flags,
           .head = step.record.message,
           .body = std::string(step.record.body),
           .place = {slot, static_cast<std::uint32_t>(step.place / log_format::kAlignment)}});
    }
  }

  const std::uint32_t slot;
  const std::uint64_t number;
  const Journal::Source source;
  SegmentScanner scanner;
  bool is_at_end = false;
  std::vector<SegmentRecord> records;
  std::unordered_map<std::uint32_t, std::string> keys;  // of the segment's numbers
};

void SegmentMover::start(std::uint32_t slot) {
  TAKO_CHECK(!is_active());
  job_ = std::make_shared<Job>(journal_, slot);
  read();
}

void SegmentMover::read() {
  waits_for_ = 0;
  reader_.run([job = job_] { job->read_piece(); },
              [this, is_alive = is_alive_, job = job_] {
                if (*is_alive && job == job_) on_read(job);
              });
}

void SegmentMover::on_read(const std::shared_ptr<Job>& job) {
  if (!journal_.has_segment(job->slot, job->number)) {
    stop();  // Its last record went meanwhile, and the segment with it.
    return;
  }
  for (const SegmentRecord& record : job->records) {
    std::uint32_t number = 0;
    if (record.kind == log_format::Kind::State) {
      proto::JournalState state;
      if (!state.ParseFromString(record.body)) continue;
      number = state.stream();
      job->keys[number] = state.key();
    } else if (record.kind == log_format::Kind::Message || record.kind == log_format::Kind::Key) {
      number = stream_of(record);
    } else {
      continue;  // Start, Base, End: younger segments say it anew.
    }
    const auto key = job->keys.find(number);
    if (key != job->keys.end()) owner_.move_record(key->second, record);
  }
  if (!journal_.has_gathered()) {
    go_on();
    return;
  }
  waits_for_ = journal_.round();
  journal_.submit();
}

void SegmentMover::go_on() {
  if (!job_->is_at_end) {
    read();
    return;
  }
  const auto job = std::exchange(job_, nullptr);
  if (journal_.has_segment(job->slot, job->number)) owner_.on_moved(job->slot);
}

void SegmentMover::on_written(std::uint64_t round) {
  if (job_ != nullptr && waits_for_ != 0 && round >= waits_for_) go_on();
}

}  // namespace tako::broker
