// JSON rows, each with all that is known.
#include "broker/channel/revocation_store.h"

#include <fstream>
#include <optional>
#include <utility>

#include "common/json_text.h"

namespace tako::broker {
namespace {

constexpr std::string_view kStreamKey = "revocation/stream";
constexpr std::string_view kAt = "revocation/at/";
constexpr std::string_view kPassed = "revocation/passed/";

// Rows come by key, so the digits keep the order.
std::string key_of(std::uint64_t number) {
  constexpr std::size_t kDigits = 20;
  const std::string digits = std::to_string(number);
  return std::string(kAt) + std::string(kDigits - digits.size(), '0') + digits;
}

class Row {
 public:
  explicit Row(std::string_view json) {
    if (auto members = split_json_object(json)) members_ = std::move(*members);
  }
  [[nodiscard]] std::string text(std::string_view name) const {
    const JsonMember* member = find_member(members_, name);
    return member == nullptr ? "" : json_string_value(member->raw).value_or("");
  }
  [[nodiscard]] std::int64_t number(std::string_view name) const {
    const JsonMember* member = find_member(members_, name);
    return member == nullptr ? 0 : json_integer_value(member->raw).value_or(0);
  }

 private:
  std::vector<JsonMember> members_;
};

// Behind the last member, or as the first.
void append_text(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() > 1 ? ",\"" : "\"";
  out.append(name).append("\":");
  append_json_string(out, value);
}
void append_number(std::string& out, std::string_view name, std::int64_t value) {
  out += out.size() > 1 ? ",\"" : "\"";
  out.append(name).append("\":").append(std::to_string(value));
}

std::string print(const Revocation& revocation) {
  std::string out = "{";
  append_text(out, "app", revocation.app);
  append_text(out, "subject", revocation.subject);
  append_text(out, "name", revocation.name);
  append_text(out, "key", revocation.key);
  append_number(out, "reauthorize", revocation.reauthorize ? 1 : 0);
  append_number(out, "atMs", revocation.at_ms);
  append_number(out, "bannedUntilMs", revocation.banned_until_ms);
  append_text(out, "reason", revocation.reason);
  return out + '}';
}

Revocation revocation_from(const Row& row) {
  return {.app = row.text("app"),
          .subject = row.text("subject"),
          .name = row.text("name"),
          .key = row.text("key"),
          .reauthorize = row.number("reauthorize") != 0,
          .at_ms = row.number("atMs"),
          .banned_until_ms = row.number("bannedUntilMs"),
          .reason = row.text("reason")};
}

}  // namespace

KeptRevocations RevocationStore::restore(std::uint64_t stream, std::int64_t wall_ms) {
  KeptRevocations kept;
  bool is_same_boot = false;
  for (const StateRow& row : state_.restore(kStreamKey)) {
    const Row about(row.value);
    kept.stream = static_cast<std::uint64_t>(about.number("stream"));
    is_same_boot = !boot_.empty() && about.text("boot") == boot_;
  }
  for (StateRow& row : state_.restore(kPassed)) {
    const Row passed(row.value);
    state_.erase(row.key);
    if (!is_same_boot) continue;
    kept.passed.push_back({.app = passed.text("app"),
                           .number = static_cast<std::uint64_t>(passed.number("number")),
                           .at_ms = passed.number("atMs")});
  }
  for (StateRow& row : state_.restore(kAt)) {
    Revocation revocation = revocation_from(Row(row.value));
    state_.erase(row.key);
    if (!is_same_boot) revocation.at_ms = 0;
    const bool bans = revocation.banned_until_ms > wall_ms;
    if (!bans) revocation.banned_until_ms = 0;
    if (revocation.at_ms != 0 || bans) kept.revocations.push_back(std::move(revocation));
  }
  std::string about = "{";
  append_number(about, "stream", static_cast<std::int64_t>(stream));
  append_text(about, "boot", boot_);
  state_.put(std::string(kStreamKey), about + '}');
  return kept;
}

void RevocationStore::keep(std::uint64_t number, const Revocation& revocation) {
  state_.put(key_of(number), print(revocation));
}

void RevocationStore::forget(std::uint64_t number) { state_.erase(key_of(number)); }

void RevocationStore::pass_over(const std::string& app, std::uint64_t number, std::int64_t at_ms) {
  std::string out = "{";
  append_text(out, "app", app);
  append_number(out, "number", static_cast<std::int64_t>(number));
  append_number(out, "atMs", at_ms);
  state_.put(std::string(kPassed) + app, out + '}');
}

std::string machine_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace tako::broker
