// SegmentText: segments of chosen records. For tests only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/log/log_format.h"
#include "broker/log/stored_message.h"
#include "proto/journal.pb.h"

namespace tako::broker {

// A segment, record by record.
class SegmentText {
 public:
  struct Span {
    std::uint64_t place = 0;
    std::uint64_t end = 0;  // with the pad
  };
  struct MessageWords {
    std::uint32_t stream = 0;
    Position position;
    std::int64_t time_ms = 1'000'000;
    std::uint32_t batch_rest = 0;
    std::uint8_t flags = log_format::kBatchFirst;
    MessageDraft draft = {.type = "t", .data = "1"};
  };

  explicit SegmentText(std::uint64_t number, std::uint64_t previous_size = 0)
      : header_{.number = number,
                .salt = 0x5eed'0000'0000'0000U + number,
                .previous_size = previous_size,
                .base_epoch = 7,
                .created_ms = 1'000'000},
        bytes_(log_format::encode(header_)) {}

  [[nodiscard]] const log_format::SegmentHeader& header() const { return header_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<Span>& spans() const { return spans_; }

  SegmentText& record(log_format::Kind kind, std::uint8_t flags, std::string_view body) {
    const std::uint64_t place = bytes_.size();
    log_format::append_record(bytes_, header_.salt, place, kind, flags, body);
    spans_.push_back({place, bytes_.size()});
    return *this;
  }
  SegmentText& message(const MessageWords& words) {
    const std::uint64_t place = bytes_.size();
    const StoredMessage message(words.draft, words.position, words.time_ms, words.batch_rest);
    log_format::append_message(bytes_, header_.salt, place, words.flags,
                               {.stream = words.stream,
                                .batch_rest = words.batch_rest,
                                .offset = words.position.offset,
                                .time_ms = words.time_ms},
                               message.record());
    spans_.push_back({place, bytes_.size()});
    return *this;
  }
  SegmentText& state(std::uint32_t stream, std::string_view key, Position head,
                     std::int64_t window_ms = 0) {
    proto::JournalState state;
    state.set_stream(stream);
    state.set_key(std::string(key));
    state.set_epoch(head.epoch.value);
    state.set_head(head.offset);
    state.set_window_ms(window_ms);
    state.set_messages_max(1'000);
    state.set_bytes_max(1'000'000);
    return record(log_format::Kind::State, 0, state.SerializeAsString());
  }
  // `number`: of the key itself.
  SegmentText& key(std::uint32_t stream, std::uint64_t number, Position first,
                   std::int64_t used_ms = 1'000'000) {
    proto::JournalKey key;
    key.set_stream(stream);
    key.set_key_low(number);
    key.set_offset(first.offset);
    key.set_epoch(first.epoch.value);
    key.set_used_ms(used_ms);
    return record(log_format::Kind::Key, 0, key.SerializeAsString());
  }
  SegmentText& start(std::uint64_t base_epoch, bool continues, std::uint64_t older_base = 0) {
    proto::JournalStart start;
    if (older_base != 0) start.add_older_bases()->set_epoch(older_base);
    start.set_base_epoch(base_epoch);
    start.set_continues(continues);
    return record(log_format::Kind::Start, 0, start.SerializeAsString());
  }
  SegmentText& end(std::uint64_t first_segment = 1) {
    proto::JournalEnd end;
    end.set_first_segment(first_segment);
    return record(log_format::Kind::End, 0, end.SerializeAsString());
  }

 private:
  log_format::SegmentHeader header_;
  std::string bytes_;
  std::vector<Span> spans_;
};

}  // namespace tako::broker
