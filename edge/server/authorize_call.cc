// Prints the call, judges the answer; whatever is not clearly a yes is a no.
#include "edge/server/authorize_call.h"

#include <utility>
#include <vector>

#include "common/json_text.h"
#include "common/limits.h"
#include "common/params.h"

namespace tako::edge {
namespace {

constexpr std::size_t kRightsMax = 16;

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":");
  append_json_string(out, value);
}

std::unexpected<Error> not_as_agreed(std::string_view what, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::Unavailable,
                 "the app's authorize answer is not as agreed: " + std::string(what));
}

bool is_absent(const JsonMember* member) { return member == nullptr || member->raw == "null"; }

// Absent and null are the same; nullopt inside the result.
Result<std::optional<std::int64_t>> read_milliseconds(const std::vector<JsonMember>& members,
                                                      std::string_view name, std::int64_t least) {
  const JsonMember* member = find_member(members, name);
  if (is_absent(member)) return std::nullopt;
  const std::optional<std::int64_t> value = json_integer_value(member->raw);
  if (!value || *value < least) return not_as_agreed(name);
  return value;
}

Result<std::string> read_subject(const std::vector<JsonMember>& members) {
  const JsonMember* member = find_member(members, "subject");
  if (is_absent(member)) return std::string();
  std::optional<std::string> subject = json_string_value(member->raw);
  if (!subject) return not_as_agreed("subject");
  if (subject->size() > limits::kSubjectMax) {
    return not_as_agreed(
        "the subject is longer than " + std::to_string(limits::kSubjectMax) + " bytes",
        &LimitCounters::subject_max);
  }
  return std::move(*subject);
}

Result<std::optional<std::vector<std::string>>> read_rights(
    const std::vector<JsonMember>& members) {
  const JsonMember* member = find_member(members, "rights");
  if (is_absent(member)) return std::nullopt;
  const auto elements = split_json_array(member->raw, kRightsMax);
  if (!elements) return not_as_agreed("rights");
  std::vector<std::string> rights;
  for (const std::string_view element : *elements) {
    std::optional<std::string> right = json_string_value(element);
    if (!right) return not_as_agreed("rights");
    rights.push_back(std::move(*right));
  }
  return rights;
}

Result<AuthorizeAnswer> read_grant(const std::vector<JsonMember>& members, std::int64_t wall_ms) {
  auto subject = read_subject(members);
  if (!subject) return std::unexpected(subject.error());
  auto rights = read_rights(members);
  if (!rights) return std::unexpected(rights.error());
  const auto expires = read_milliseconds(members, "expiresAt", 0);
  if (!expires) return std::unexpected(expires.error());
  const auto ttl = read_milliseconds(members, "ttlMs", 0);
  if (!ttl) return std::unexpected(ttl.error());
  const auto keepalive = read_milliseconds(members, "keepaliveIntervalMs", 1);
  if (!keepalive) return std::unexpected(keepalive.error());
  const auto lifetime = read_milliseconds(members, "maxConnectionLifetimeMs", 1);
  if (!lifetime) return std::unexpected(lifetime.error());
  if (*expires && **expires <= wall_ms) return fail(ErrorCode::VerifyRejected);
  AuthorizeAnswer answer;
  answer.grant.subject = std::move(*subject);
  answer.grant.expires_at_ms = *expires;
  answer.grant.keepalive_interval_ms = *keepalive;
  answer.grant.max_connection_lifetime_ms = *lifetime;
  answer.grant.rights = std::move(*rights);
  answer.ttl_ms = ttl->value_or(0);
  if (const JsonMember* info = find_member(members, "presence"); !is_absent(info)) {
    if (info->raw.size() > limits::kPresenceDataBytesMax) {
      return not_as_agreed("presence is too large", &LimitCounters::presence_data_bytes_max);
    }
    answer.grant.presence_info = minify_json(info->raw);
  }
  return answer;
}

}  // namespace

std::string make_authorize_body(const AuthorizeCall& call) {
  std::string out = "{\"app\":";
  append_json_string(out, call.app);
  append_member(out, "channel", call.channel);
  append_member(out, "operation", to_string(call.operation));
  out.append(",\"params\":").append(params_json(call.params));
  if (call.header) {
    out += ",\"header\":{";
    if (call.header->scheme) {
      out += "\"scheme\":";
      append_json_string(out, *call.header->scheme);
      out += ',';
    }
    out += "\"value\":";
    append_json_string(out, call.header->value);
    out += '}';
  }
  if (call.cookie) append_member(out, "cookie", *call.cookie);
  append_member(out, "ip", call.ip);
  return out += '}';
}

Result<AuthorizeAnswer> read_authorize_answer(int status, std::string_view body,
                                              std::int64_t wall_ms) {
  if (status == 401 || status == 403) return fail(ErrorCode::VerifyRejected);
  if (status == 404) return fail(ErrorCode::ChannelUnknown);
  if (status != 200) return not_as_agreed("status " + std::to_string(status));
  const auto members = split_json_object(body);
  if (!members) return not_as_agreed("no JSON object", members.error().limit);
  const JsonMember* ok = find_member(*members, "ok");
  if (ok == nullptr || ok->raw != "true") return fail(ErrorCode::VerifyRejected);
  return read_grant(*members, wall_ms);
}

}  // namespace tako::edge
