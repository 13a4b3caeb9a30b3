// Parses with the generated code; splices records by hand.
#include "broker/edge_frames.h"

#include <google/protobuf/stubs/logging.h>

#include <limits>

#include "broker/log/proto_bytes.h"

namespace tako::broker {
namespace {

using proto_bytes::append_bytes;
using proto_bytes::append_length;
using proto_bytes::bytes_field_size;

// BrokerFrame.items{ BrokerItem.<item_field>{ head, records… } }: the order of fields is free, so
// the records may follow whatever the generated code has printed.
std::string splice(std::uint32_t item_field, const std::string& head, std::uint32_t records_field,
                   std::span<const MessagePtr> records) {
  std::size_t size = head.size();
  for (const MessagePtr& record : records) size += bytes_field_size(record->record().size());
  const std::size_t item_size = bytes_field_size(size);
  std::string out;
  out.reserve(bytes_field_size(item_size));
  append_length(out, proto::BrokerFrame::kItemsFieldNumber, item_size);
  append_length(out, item_field, size);
  out += head;
  for (const MessagePtr& record : records) append_bytes(out, records_field, record->record());
  return out;
}

}  // namespace

Result<proto::EdgeFrame> decode_edge_frame(std::span<const std::byte> frame) {
  // The library writes of bad UTF-8 to stderr itself: a peer must not fill our log.
  const google::protobuf::LogSilencer silencer;
  proto::EdgeFrame decoded;
  const bool is_whole = frame.size() <= std::numeric_limits<int>::max() &&
                        decoded.ParseFromArray(frame.data(), static_cast<int>(frame.size()));
  if (!is_whole) return fail(ErrorCode::ProtocolError, "the edge's frame is not a link frame");
  return decoded;
}

Result<Cursor> decode_cursor(const proto::Cursor& cursor) {
  if (cursor.from_oldest()) return Cursor{.from_oldest = true, .position = {}};
  const Epoch epoch{cursor.epoch()};
  if (epoch != make_epoch(epoch.value)) return fail(ErrorCode::BadRequest, "not an epoch");
  return Cursor{.from_oldest = false, .position = {cursor.offset(), epoch}};
}

proto::Window encode_window(const ReplayWindow& window) {
  proto::Window encoded;
  encoded.set_epoch(window.epoch.value);
  encoded.set_head(window.head);
  encoded.set_oldest(window.oldest);
  for (const EpochEnd& older : window.older_epochs) {
    proto::EpochEnd& end = *encoded.add_older_epochs();
    end.set_epoch(older.epoch.value);
    end.set_end_offset(older.end_offset);
  }
  return encoded;
}

proto::Control encode_control(const ControlItem& item) {
  proto::Control encoded;
  encoded.set_number(item.number);
  if (const DefinitionsChange* change = item.definitions()) {
    encoded.mutable_definitions()->set_app(change->app);
    encoded.mutable_definitions()->set_version(change->version);
    encoded.mutable_definitions()->set_json(change->json);
  }
  if (const Revocation* revocation = item.revocation()) {
    proto::Revocation& out = *encoded.mutable_revocation();
    out.set_app(revocation->app);
    out.set_subject(revocation->subject);
    out.set_name(revocation->name);
    out.set_key(revocation->key);
    out.set_reauthorize(revocation->reauthorize);
    out.set_at_ms(revocation->at_ms);
    out.set_banned_until_ms(revocation->banned_until_ms);
    out.set_reason(revocation->reason);
  }
  return encoded;
}

std::string encode_item(const proto::BrokerItem& item) {
  std::string out;
  append_bytes(out, proto::BrokerFrame::kItemsFieldNumber, item.SerializeAsString());
  return out;
}

std::string encode_messages(const proto::Messages& head, std::span<const MessagePtr> records) {
  return splice(proto::BrokerItem::kMessagesFieldNumber, head.SerializeAsString(),
                proto::Messages::kRecordsFieldNumber, records);
}

std::string encode_fetch_reply(const proto::FetchReply& head, std::span<const MessagePtr> records) {
  return splice(proto::BrokerItem::kFetchReplyFieldNumber, head.SerializeAsString(),
                proto::FetchReply::kRecordsFieldNumber, records);
}

}  // namespace tako::broker
