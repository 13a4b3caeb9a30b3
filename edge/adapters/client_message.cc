// Takes clients' frames apart; what they carry is passed on, not re-printed.
#include "edge/adapters/client_message.h"

#include <algorithm>
#include <utility>

#include "common/channel_name.h"
#include "common/limits.h"

namespace tako::edge {
namespace {

constexpr std::size_t kRefBytesMax = 128;
constexpr std::string_view kAuthType = "tako.auth";

// A member that is a string; empty when absent.
Result<std::string> string_member(const ClientFrame& frame, std::string_view name) {
  const JsonMember* member = find_member(frame.members, name);
  if (member == nullptr) return std::string();
  std::optional<std::string> value = json_string_value(member->raw);
  if (!value || value->empty()) return fail(ErrorCode::MessageMalformed);
  return *std::move(value);
}

Result<std::string> idempotency_key_of(const ClientFrame& frame) {
  auto key = string_member(frame, "idempotencyKey");
  if (key && key->size() > limits::kIdempotencyKeyMax) {
    return fail_at(&LimitCounters::idempotency_key_max, ErrorCode::MessageMalformed);
  }
  return key;
}

Result<void> check_type(std::string_view type) {
  if (is_message_type(type)) return {};
  return fail_at(is_long_message_type(type) ? &LimitCounters::message_type_max : nullptr,
                 ErrorCode::MessageMalformed);
}

}  // namespace

Result<ClientFrame> parse_client_frame(std::string_view text) {
  Result<std::vector<JsonMember>> members = split_json_object(text);
  if (!members) return fail_at(members.error().limit, ErrorCode::MessageMalformed);
  const JsonMember* type = find_member(*members, "type");
  std::optional<std::string> name;
  if (type != nullptr) name = json_string_value(type->raw);
  if (!name || name->empty()) return fail(ErrorCode::MessageMalformed);
  return ClientFrame{.type = std::move(*name), .members = std::move(*members)};
}

std::string_view data_of(const ClientFrame& frame) {
  const JsonMember* data = find_member(frame.members, "data");
  return data == nullptr ? std::string_view() : data->raw;
}

std::optional<std::string> text_member(const std::vector<JsonMember>& members,
                                       std::string_view name) {
  const JsonMember* member = find_member(members, name);
  return member == nullptr ? std::nullopt : json_string_value(member->raw);
}

std::string ref_of(const ClientFrame& frame) {
  const JsonMember* ref = find_member(frame.members, "ref");
  if (ref == nullptr || ref->raw.empty() || ref->raw.size() > kRefBytesMax) return {};
  const char first = ref->raw.front();
  const bool is_scalar = first == '"' || first == '-' || (first >= '0' && first <= '9');
  return is_scalar ? std::string(ref->raw) : std::string();
}

Result<ClientMessage> parse_client_message(const ClientFrame& frame) {
  const JsonMember* data = find_member(frame.members, "data");
  if (data == nullptr) return fail(ErrorCode::MessageMalformed);
  if (const auto checked = check_type(frame.type); !checked) {
    return std::unexpected(checked.error());
  }
  ClientMessage message;
  message.type = frame.type;
  message.data = minify_json(data->raw);
  message.ref = ref_of(frame);
  if (const JsonMember* echo = find_member(frame.members, "echo")) {
    const std::optional<bool> value = json_bool_value(echo->raw);
    if (!value) return fail(ErrorCode::MessageMalformed);
    message.echo = *value;
  }
  auto idempotency_key = idempotency_key_of(frame);
  if (!idempotency_key) return std::unexpected(idempotency_key.error());
  auto key = string_member(frame, "key");
  if (!key) return std::unexpected(key.error());
  const bool has_bad_ref = find_member(frame.members, "ref") != nullptr && message.ref.empty();
  if (has_bad_ref) return fail(ErrorCode::MessageMalformed);
  message.idempotency_key = std::move(*idempotency_key);
  message.key = std::move(*key);
  return message;
}

bool is_auth_frame(const ClientFrame& frame) { return frame.type == kAuthType; }

Result<AuthEnvelope> parse_auth_envelope(std::string_view text) {
  const Result<ClientFrame> frame = parse_client_frame(text);
  if (!frame) return fail_at(frame.error().limit, ErrorCode::AuthFrameMalformed);
  if (!is_auth_frame(*frame)) return fail(ErrorCode::AuthFrameMalformed);
  AuthEnvelope envelope;
  if (const JsonMember* token = find_member(frame->members, "token")) {
    const std::optional<std::string> value = json_string_value(token->raw);
    if (!value) return fail(ErrorCode::AuthFrameMalformed);
    envelope.credential = parse_credential(*value);
  }
  const Result<std::optional<Cursor>> cursor = cursor_member(frame->members);
  if (!cursor) return std::unexpected(cursor.error());
  envelope.cursor = *cursor;
  return envelope;
}

Result<std::optional<Cursor>> cursor_member(const std::vector<JsonMember>& members) {
  const JsonMember* member = find_member(members, "lastMessageId");
  if (member == nullptr || member->raw == "null") return std::nullopt;
  const std::string text =
      json_string_value(member->raw).value_or(std::string(member->raw));  // a number: its digits
  if (text.empty()) return std::nullopt;
  const Result<Cursor> cursor = parse_cursor(text);
  if (!cursor) return std::unexpected(cursor.error());
  return *cursor;
}

}  // namespace tako::edge
