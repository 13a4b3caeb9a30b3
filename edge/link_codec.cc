// Field by field between protobuf and the edge's types.
#include "edge/link_codec.h"

#include <utility>

namespace tako::edge {
namespace {

std::optional<GapReason> gap_from(bool gap, std::uint32_t reason) {
  if (!gap) return std::nullopt;
  // A newer broker's unknown reason still is a gap.
  if (reason > static_cast<std::uint32_t>(GapReason::Conflated)) return GapReason::HistoryLost;
  return static_cast<GapReason>(reason);
}

Encoding encoding_from(proto::Encoding encoding) {
  switch (encoding) {
    case proto::ENCODING_TEXT:
      return Encoding::Text;
    case proto::ENCODING_BINARY:
      return Encoding::Binary;
    default:
      return Encoding::Json;
  }
}

proto::Encoding to_proto(Encoding encoding) {
  switch (encoding) {
    case Encoding::Json:
      return proto::ENCODING_JSON;
    case Encoding::Text:
      return proto::ENCODING_TEXT;
    case Encoding::Binary:
      return proto::ENCODING_BINARY;
  }
  return proto::ENCODING_JSON;
}

Error error_from(std::uint32_t number, const std::string& detail, std::int64_t retry_after_ms = 0) {
  return {error_code_from_number(number), detail, retry_after_ms};
}

template <typename Records>
std::vector<MessagePtr> messages_from(Records& records) {
  std::vector<MessagePtr> messages;
  messages.reserve(static_cast<std::size_t>(records.size()));
  for (proto::Record& record : records) messages.push_back(message_from(record));
  return messages;
}

}  // namespace

proto::Cursor to_proto(const Cursor& cursor) {
  proto::Cursor out;
  out.set_offset(cursor.position.offset);
  out.set_epoch(cursor.position.epoch.value);
  out.set_from_oldest(cursor.from_oldest);
  return out;
}

ReplayWindow window_from(const proto::Window& window) {
  ReplayWindow out{.epoch = {window.epoch()},
                   .head = window.head(),
                   .oldest = window.oldest(),
                   .older_epochs = {}};
  for (const proto::EpochEnd& older : window.older_epochs()) {
    out.older_epochs.push_back({.epoch = {older.epoch()}, .end_offset = older.end_offset()});
  }
  return out;
}

MessagePtr message_from(proto::Record& record) {
  auto message = std::make_shared<Message>();
  message->position = {.offset = record.offset(), .epoch = {record.epoch()}};
  message->time_ms = record.time_ms();
  message->type = std::move(*record.mutable_type());
  message->data = std::move(*record.mutable_data());
  message->encoding = encoding_from(record.encoding());
  message->subject = std::move(*record.mutable_subject());
  message->connection = std::move(*record.mutable_connection());
  message->batch_rest = record.batch_rest();
  return message;
}

Subscribed subscribed_from(const proto::Subscribed& subscribed) {
  Subscribed out;
  out.window = window_from(subscribed.window());
  out.starts_after = subscribed.starts_after();
  out.gap = gap_from(subscribed.gap(), subscribed.gap_reason());
  if (subscribed.error() != 0) out.error = error_from(subscribed.error(), {});
  return out;
}

Delivery delivery_from(proto::Messages& messages) {
  Delivery out;
  out.messages = messages_from(*messages.mutable_records());
  if (messages.has_window()) out.window = window_from(messages.window());
  out.gap = gap_from(messages.gap(), messages.gap_reason());
  return out;
}

Result<FetchPage> page_from(proto::FetchReply& reply) {
  if (reply.error() != 0) return std::unexpected(error_from(reply.error(), reply.error_detail()));
  FetchPage page;
  page.messages = messages_from(*reply.mutable_records());
  page.window = window_from(reply.window());
  page.gap = gap_from(reply.gap(), reply.gap_reason());
  page.more_after = reply.more_after();
  page.more_before = reply.more_before();
  return page;
}

Revocation revocation_from(const proto::Revocation& revocation) {
  return {.app = revocation.app(),
          .subject = revocation.subject(),
          .name = revocation.name(),
          .key = revocation.key(),
          .reauthorize = revocation.reauthorize(),
          .at_ms = revocation.at_ms(),
          .banned_until_ms = revocation.banned_until_ms(),
          .reason = revocation.reason()};
}

Result<PublishAck> ack_from(const proto::PublishReply& reply) {
  if (reply.error() != 0) {
    return std::unexpected(error_from(reply.error(), reply.error_detail(), reply.retry_after_ms()));
  }
  return PublishAck{.position = {.offset = reply.offset(), .epoch = {reply.epoch()}},
                    .repeated_key = reply.repeated_key()};
}

void fill(proto::Subscribe& out, std::uint32_t number, const ChannelIdentity& channel,
          const std::optional<Cursor>& from) {
  out.set_channel(number);
  out.set_app(channel.app);
  out.set_name(channel.name);
  out.set_key(channel.key);
  out.set_params_json(channel.params_json);
  if (from.has_value()) *out.mutable_from() = to_proto(*from);
}

void fill(proto::Fetch& out, const FetchRequest& request) {
  out.set_app(request.channel.app);
  out.set_name(request.channel.name);
  out.set_key(request.channel.key);
  if (request.after.has_value()) *out.mutable_after() = to_proto(*request.after);
  if (request.before.has_value()) *out.mutable_before() = to_proto(*request.before);
  out.set_from_ms(request.from_ms);
  out.set_to_ms(request.to_ms);
  out.set_with_before(request.with_before);
  out.set_limit(request.limit);
  out.set_bytes_max(request.bytes_max);
}

void fill(proto::Publish& out, const PublishRequest& request) {
  out.set_app(request.channel.app);
  out.set_name(request.channel.name);
  out.set_key(request.channel.key);
  out.set_params_json(request.channel.params_json);
  out.set_type(request.type);
  out.set_data(request.data);
  out.set_encoding(to_proto(request.encoding));
  out.set_ephemeral(request.ephemeral);
  out.set_subject(request.subject);
  out.set_connection(request.connection);
  out.set_idempotency_key(request.idempotency_key);
  out.set_sent(request.sent);
}

void fill(proto::ApiCall& out, const ApiRequest& request) {
  out.set_app(request.app);
  out.set_method(request.method);
  out.set_target(request.target);
  out.set_idempotency_key(request.idempotency_key);
  out.set_body(request.body);
}

}  // namespace tako::edge
