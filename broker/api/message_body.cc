// Checks the members of a posted message.
#include "broker/api/message_body.h"

#include <utility>

#include "common/base64.h"

namespace tako::broker {
namespace {

std::unexpected<Error> malformed(std::string why) {
  return fail(ErrorCode::MessageMalformed, std::move(why));
}

Result<void> read_text(const JsonMember& member, std::string& out) {
  auto text = json_string_value(member.raw);
  if (!text) return malformed(member.name + " must be a string");
  out = std::move(*text);
  return {};
}

Result<void> read_flag(const JsonMember& member, bool& out) {
  const auto flag = json_bool_value(member.raw);
  if (!flag) return malformed(member.name + " must be true or false");
  out = *flag;
  return {};
}

Result<void> read_encoding(const JsonMember& member, Encoding& out) {
  if (json_string_value(member.raw) != "base64") {
    return malformed("encoding must be \"base64\", or left out for JSON");
  }
  out = Encoding::Binary;
  return {};
}

Result<void> read_entry_member(const JsonMember& member, MessageBody& body) {
  if (member.name == "channel") return read_text(member, body.channel);
  if (member.name == "params") {
    if (!member.raw.starts_with('{')) return malformed("params must be an object");
    body.params_json = member.raw;
    return {};
  }
  return malformed("unknown member '" + member.name + "'");
}

Result<void> read_member(const JsonMember& member, MessageForm form, MessageBody& body) {
  if (member.name == "data") return {};  // read last: how depends on the encoding
  if (member.name == "type") return read_text(member, body.draft.type);
  if (member.name == "encoding") return read_encoding(member, body.draft.encoding);
  if (member.name == "ephemeral") return read_flag(member, body.ephemeral);
  if (member.name == "idempotencyKey") return read_text(member, body.draft.message_id);
  if (form == MessageForm::BatchEntry) return read_entry_member(member, body);
  if (member.name == "ack") {
    auto ack = parse_ack(member.raw);
    if (!ack) return std::unexpected(std::move(ack.error()));
    body.ack = *ack;
    return {};
  }
  return malformed("unknown member '" + member.name + "'");
}

Result<void> read_data(std::string_view raw, MessageDraft& draft) {
  if (draft.encoding == Encoding::Json) {
    draft.data = minify_json(raw);
    return {};
  }
  const auto text = json_string_value(raw);
  auto bytes = text ? base64_decode(*text) : std::nullopt;
  if (!bytes) return malformed("data must be a string of standard base64 with padding");
  draft.data = std::move(*bytes);
  return {};
}

}  // namespace

Result<AckKind> parse_ack(std::string_view raw) {
  const auto text = json_string_value(raw);
  const auto ack = text ? ack_kind_from(*text) : std::nullopt;
  if (!ack || *ack == AckKind::Memory) return malformed("ack must be \"synced\" or \"written\"");
  return *ack;
}

Result<MessageBody> parse_message_body(std::string_view json, MessageForm form) {
  const auto members = split_json_object(json);
  if (!members) {
    return fail_at(members.error().limit, ErrorCode::MessageMalformed, members.error().detail);
  }
  MessageBody body;
  for (const JsonMember& member : *members) {
    if (auto read = read_member(member, form, body); !read) return std::unexpected(read.error());
  }
  if (find_member(*members, "type") == nullptr) return malformed("type is missing");
  const JsonMember* data = find_member(*members, "data");
  if (data == nullptr) return malformed("data is missing");
  if (form == MessageForm::BatchEntry && find_member(*members, "channel") == nullptr) {
    return malformed("channel is missing");
  }
  if (auto read = read_data(data->raw, body.draft); !read) return std::unexpected(read.error());
  return body;
}

}  // namespace tako::broker
