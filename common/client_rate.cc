// Reads and prints the member `clientRate` of a definition.
#include "common/client_rate.h"

#include "common/json_text.h"
#include "common/limit_counters.h"

namespace tako {
namespace {

std::int64_t* slot(ClientRate& rate, std::string_view name) {
  if (name == "connection") return &rate.connection;
  if (name == "subject") return &rate.subject;
  return name == "channel" ? &rate.channel : nullptr;
}

}  // namespace

Result<ClientRate> parse_client_rate(std::string_view raw, bool skips_unknown) {
  const auto members = split_json_object(raw);
  if (!members) {
    return fail(ErrorCode::DefinitionInvalid,
                "clientRate must be an object with connection, subject and channel");
  }
  ClientRate rate;
  for (const JsonMember& member : *members) {
    std::int64_t* out = slot(rate, member.name);
    if (out == nullptr && skips_unknown) continue;
    if (out == nullptr) {
      return fail(ErrorCode::DefinitionInvalid,
                  "the member " + json_string("clientRate." + member.name) + " is unknown");
    }
    const auto value = json_integer_value(member.raw);
    if (!value || *value < 0 || *value > limits::kClientRateMax) {
      return fail_at(value && *value > 0 ? &LimitCounters::client_rate_max : nullptr,
                     ErrorCode::DefinitionInvalid,
                     "clientRate." + member.name + " must be a whole number from 0 to " +
                         std::to_string(limits::kClientRateMax) + ", in messages a second");
    }
    *out = *value;
  }
  return rate;
}

std::string to_json(const ClientRate& rate) {
  return R"({"connection":)" + std::to_string(rate.connection) + R"(,"subject":)" +
         std::to_string(rate.subject) + R"(,"channel":)" + std::to_string(rate.channel) + '}';
}

}  // namespace tako
