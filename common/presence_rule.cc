// Reads and prints the member `presence` of a definition.
#include "common/presence_rule.h"

#include "common/json_text.h"
#include "common/limit_counters.h"

namespace tako {
namespace {

std::unexpected<Error> refuse(std::string why, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::DefinitionInvalid, std::move(why));
}

Result<void> read_list(const JsonMember& member, PresenceRule& rule) {
  const auto word = json_string_value(member.raw);
  if (word != "members" && word != "counts") {
    return refuse(R"(presence.list must be "members" or "counts")");
  }
  rule.list = word == "members" ? PresenceList::Members : PresenceList::Counts;
  return {};
}

struct Number {
  std::string_view name;
  std::int64_t min;
  std::int64_t max;
  LimitCounter limit;
};
constexpr Number kNumbers[] = {
    {"graceMs", 0, limits::kDefinitionMsMax, &LimitCounters::definition_ms_max},
    {"batchMs", 0, limits::kDefinitionMsMax, &LimitCounters::definition_ms_max},
    {"membersMax", 1, limits::kPresenceMembersMax, &LimitCounters::presence_members_max},
    {"dataBytesMax", 0, limits::kPresenceDataBytesMax, &LimitCounters::presence_data_bytes_max},
};

Result<void> read_number(const JsonMember& member, const Number& number, PresenceRule& rule) {
  const auto value = json_integer_value(member.raw);
  if (!value || *value < number.min || *value > number.max) {
    return refuse("presence." + member.name + " must be a whole number from " +
                      std::to_string(number.min) + " to " + std::to_string(number.max),
                  value && *value > number.max ? number.limit : nullptr);
  }
  if (number.name == "graceMs") rule.grace_ms = *value;
  if (number.name == "batchMs") rule.batch_ms = *value;
  if (number.name == "membersMax") rule.members_max = static_cast<std::size_t>(*value);
  if (number.name == "dataBytesMax") rule.data_bytes_max = static_cast<std::size_t>(*value);
  return {};
}

Result<void> read_member(const JsonMember& member, bool skips_unknown, PresenceRule& rule) {
  if (member.name == "list") return read_list(member, rule);
  for (const Number& number : kNumbers) {
    if (number.name == member.name) return read_number(member, number, rule);
  }
  if (skips_unknown) return {};
  return refuse("the member " + json_string("presence." + member.name) + " is unknown");
}

}  // namespace

Result<std::optional<PresenceRule>> parse_presence_rule(std::string_view raw, bool skips_unknown) {
  if (raw == "false") return std::nullopt;
  PresenceRule rule;
  if (raw == "true") return rule;
  const auto members = split_json_object(raw);
  if (!members) return refuse("presence must be true, false or an object");
  for (const JsonMember& member : *members) {
    if (auto read = read_member(member, skips_unknown, rule); !read) {
      return std::unexpected(std::move(read.error()));
    }
  }
  return rule;
}

std::string to_json(const std::optional<PresenceRule>& rule) {
  if (!rule) return "false";
  std::string out = R"({"list":)";
  out += rule->list == PresenceList::Members ? R"("members")" : R"("counts")";
  out += R"(,"graceMs":)" + std::to_string(rule->grace_ms);
  out += R"(,"batchMs":)" + std::to_string(rule->batch_ms);
  out += R"(,"membersMax":)" + std::to_string(rule->members_max);
  out += R"(,"dataBytesMax":)" + std::to_string(rule->data_bytes_max);
  return out + '}';
}

}  // namespace tako
