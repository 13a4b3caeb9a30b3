// Serializes a Record once and remembers where its parts are.
#include "broker/log/stored_message.h"

#include "broker/log/proto_bytes.h"
#include "common/check.h"
#include "proto/record.pb.h"

namespace tako::broker {
namespace {

using Record = proto::Record;

// The two heap blocks (object with its control block, buffer) and the log's slot for the pointer.
constexpr std::size_t kBookkeeping =
    sizeof(StoredMessage) + 16 + 2 * std::size_t{16} + sizeof(MessagePtr);

std::size_t record_size_at_most(const MessageDraft& draft) {
  constexpr std::size_t kNumbersAtMost = 64;
  constexpr std::size_t kPerText = 6;
  std::size_t size = kNumbersAtMost + 5 * kPerText + draft.type.size() + draft.data.size() +
                     draft.subject.size() + draft.connection.size() + draft.message_id.size();
  for (const auto& [name, value] : draft.extras) size += 3 * kPerText + name.size() + value.size();
  return size;
}

void append_extra(std::string& out, std::string_view name, std::string_view value) {
  using namespace proto_bytes;
  append_length(out, Record::kExtrasFieldNumber,
                bytes_field_size(name.size()) + bytes_field_size(value.size()));
  append_bytes(out, 1, name);  // a map entry: key = 1, value = 2
  append_bytes(out, 2, value);
}

}  // namespace

StoredMessage::StoredMessage(const MessageDraft& draft, const Position& position,
                             std::int64_t time_ms, std::uint32_t batch_rest)
    : position_(position), time_ms_(time_ms), batch_rest_(batch_rest), encoding_(draft.encoding) {
  using proto_bytes::append_number;
  record_.reserve(record_size_at_most(draft));
  append_number(record_, Record::kOffsetFieldNumber, position.offset);
  append_number(record_, Record::kEpochFieldNumber, position.epoch.value);
  append_number(record_, Record::kTimeMsFieldNumber, static_cast<std::uint64_t>(time_ms));
  type_ = append_text(Record::kTypeFieldNumber, draft.type);
  data_ = append_text(Record::kDataFieldNumber, draft.data);
  append_number(record_, Record::kEncodingFieldNumber, static_cast<std::uint64_t>(encoding_));
  subject_ = append_text(Record::kSubjectFieldNumber, draft.subject);
  connection_ = append_text(Record::kConnectionFieldNumber, draft.connection);
  message_id_ = append_text(Record::kMessageIdFieldNumber, draft.message_id);
  append_number(record_, Record::kBatchRestFieldNumber, batch_rest);
  for (const auto& [name, value] : draft.extras) append_extra(record_, name, value);
  record_.shrink_to_fit();
}

StoredMessage::Slice StoredMessage::append_text(std::uint32_t field, std::string_view text) {
  if (text.empty()) return {};
  proto_bytes::append_bytes(record_, field, text);
  return {.begin = static_cast<std::uint32_t>(record_.size() - text.size()),
          .size = static_cast<std::uint32_t>(text.size())};
}

std::shared_ptr<const StoredMessage> StoredMessage::parse(std::string record) {
  auto message = std::make_shared<StoredMessage>();
  proto_bytes::Reader reader(record);
  while (const auto field = reader.next()) {
    if (field->wire_type == proto_bytes::kVarint) {
      message->take_number(field->number, field->value);
    } else if (field->wire_type == proto_bytes::kLengthDelimited) {
      message->take_text(field->number, {.begin = static_cast<std::uint32_t>(field->begin),
                                         .size = static_cast<std::uint32_t>(field->value)});
    }
  }
  if (!reader.is_at_end()) return nullptr;
  message->record_ = std::move(record);
  return message;
}

void StoredMessage::take_number(std::uint32_t field, std::uint64_t value) {
  if (field == Record::kOffsetFieldNumber) position_.offset = value;
  if (field == Record::kEpochFieldNumber) position_.epoch.value = value;
  if (field == Record::kTimeMsFieldNumber) time_ms_ = static_cast<std::int64_t>(value);
  if (field == Record::kEncodingFieldNumber) encoding_ = static_cast<Encoding>(value);
  if (field == Record::kBatchRestFieldNumber) batch_rest_ = static_cast<std::uint32_t>(value);
}

void StoredMessage::take_text(std::uint32_t field, Slice slice) {
  if (field == Record::kTypeFieldNumber) type_ = slice;
  if (field == Record::kDataFieldNumber) data_ = slice;
  if (field == Record::kSubjectFieldNumber) subject_ = slice;
  if (field == Record::kConnectionFieldNumber) connection_ = slice;
  if (field == Record::kMessageIdFieldNumber) message_id_ = slice;
}

std::map<std::string, std::string> StoredMessage::extras() const {
  Record record;
  TAKO_CHECK(record.ParseFromArray(record_.data(), static_cast<int>(record_.size())));
  return {record.extras().begin(), record.extras().end()};
}

std::size_t StoredMessage::cost() const { return kBookkeeping + record_.capacity(); }

}  // namespace tako::broker
