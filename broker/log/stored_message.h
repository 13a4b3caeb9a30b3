// StoredMessage: a message as the log keeps it: immutable, shared by all readers, encoded once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/message_json.h"
#include "common/position.h"

namespace tako::broker {

// What a publisher gives; the log adds position and time.
struct MessageDraft {
  std::string type;
  std::string data;  // Json: minified text; Text: UTF-8; Binary: bytes
  Encoding encoding = Encoding::Json;
  std::string subject = {};     // empty: the app publishes it
  std::string connection = {};  // the client connection that publishes it, if any
  std::string message_id = {};  // the publisher's idempotency key, if any
  std::map<std::string, std::string> extras = {};
};

// Holds one buffer, the serialized proto::Record; the accessors are views into it. So a message is
// encoded when it is appended and never again: every link (and a journal) takes record() as it is.
class StoredMessage {
 public:
  // `position.offset` 0: ephemeral. `batch_rest`: messages of the same atomic batch behind this
  // one.
  StoredMessage(const MessageDraft& draft, const Position& position, std::int64_t time_ms,
                std::uint32_t batch_rest);
  // A message from its serialized proto::Record; nullptr when that is damaged.
  [[nodiscard]] static std::shared_ptr<const StoredMessage> parse(std::string record);
  // For parse(): an empty one.
  StoredMessage() = default;
  StoredMessage(const StoredMessage&) = delete;
  StoredMessage& operator=(const StoredMessage&) = delete;

  [[nodiscard]] const Position& position() const { return position_; }
  [[nodiscard]] std::uint64_t offset() const { return position_.offset; }
  [[nodiscard]] Epoch epoch() const { return position_.epoch; }
  [[nodiscard]] std::int64_t time_ms() const { return time_ms_; }
  [[nodiscard]] std::uint32_t batch_rest() const { return batch_rest_; }
  [[nodiscard]] Encoding encoding() const { return encoding_; }
  [[nodiscard]] std::string_view type() const { return view(type_); }
  [[nodiscard]] std::string_view data() const { return view(data_); }
  [[nodiscard]] std::string_view subject() const { return view(subject_); }
  [[nodiscard]] std::string_view connection() const { return view(connection_); }
  [[nodiscard]] std::string_view message_id() const { return view(message_id_); }
  [[nodiscard]] std::map<std::string, std::string> extras() const;

  // The serialized proto::Record.
  [[nodiscard]] std::string_view record() const { return record_; }
  // Memory that keeping this message takes: buffers, bookkeeping and the allocator's share.
  [[nodiscard]] std::size_t cost() const;

 private:
  struct Slice {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };
  [[nodiscard]] std::string_view view(Slice slice) const {
    return std::string_view(record_).substr(slice.begin, slice.size);
  }
  [[nodiscard]] Slice append_text(std::uint32_t field, std::string_view text);
  void take_number(std::uint32_t field, std::uint64_t value);
  void take_text(std::uint32_t field, Slice slice);

  Position position_;
  std::int64_t time_ms_ = 0;
  std::uint32_t batch_rest_ = 0;
  Encoding encoding_ = Encoding::Json;
  Slice type_;
  Slice data_;
  Slice subject_;
  Slice connection_;
  Slice message_id_;
  std::string record_;
};

using MessagePtr = std::shared_ptr<const StoredMessage>;

}  // namespace tako::broker
