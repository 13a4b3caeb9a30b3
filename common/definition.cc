// Parses, checks, prints and finds definitions.
#include "common/definition.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "common/ascii.h"
#include "common/channel_name.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako {
namespace {

using Members = std::vector<JsonMember>;

constexpr std::string_view kDefaultHeader = "authorization";
constexpr std::array<std::pair<std::string_view, SlowPolicy>, 3> kSlowPolicies = {{
    {"resume", SlowPolicy::Resume},
    {"latest", SlowPolicy::Latest},
    {"disconnect", SlowPolicy::Disconnect},
}};
constexpr std::array<std::pair<std::string_view, HandlerKind>, 3> kHandlerKinds = {{
    {"relay", HandlerKind::Relay},
    {"ephemeral", HandlerKind::Ephemeral},
    {"dispatch", HandlerKind::Dispatch},
}};
constexpr std::array<std::pair<std::string_view, Transport>, 2> kTransports = {{
    {"sse", Transport::Sse},
    {"ws", Transport::WebSocket},
}};

template <typename T, std::size_t N>
std::optional<T> find_word(const std::array<std::pair<std::string_view, T>, N>& words,
                           std::string_view raw) {
  const auto word = json_string_value(raw);
  for (const auto& [name, value] : words) {
    if (word == name) return value;
  }
  return std::nullopt;
}

template <typename T, std::size_t N>
std::string_view word_of(const std::array<std::pair<std::string_view, T>, N>& words, T value) {
  for (const auto& [name, known] : words) {
    if (known == value) return name;
  }
  return {};
}

// RFC 9110 §5.6.2: what a header's and a cookie's name may hold.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return ascii::is_alphanumeric(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// Reads one definition, member by member.
class DefinitionParser {
 public:
  explicit DefinitionParser(DefinitionSource source)
      : is_newer_(source == DefinitionSource::Broker) {}
  Result<Definition> parse(std::string_view raw);

 private:
  using Handler = Result<void> (DefinitionParser::*)(const JsonMember&);
  struct Member {
    std::string_view name;
    Handler handler;
  };
  static const std::array<Member, 15> kMembers;

  [[nodiscard]] std::unexpected<Error> refuse(const std::string& why,
                                              LimitCounter limit = nullptr) const {
    const std::string who = definition_.name.empty() ? "" : ' ' + json_string(definition_.name);
    return fail_at(limit, ErrorCode::DefinitionInvalid, "definition" + who + ": " + why);
  }
  Result<void> whole(const JsonMember& member, std::int64_t min, std::int64_t max,
                     std::int64_t& out, LimitCounter limit = nullptr) const;
  Result<void> milliseconds(const JsonMember& member, std::int64_t min, std::int64_t& out) const {
    return whole(member, min, limits::kDefinitionMsMax, out, &LimitCounters::definition_ms_max);
  }

  Result<void> name(const JsonMember& member);
  Result<void> params_schema(const JsonMember& member);
  Result<void> context_params(const JsonMember& member);
  Result<void> auth(const JsonMember& member);
  Result<void> auth_member(AuthRule& rule, const JsonMember& member) const;
  Result<void> transport(const JsonMember& member);
  Result<void> handlers(const JsonMember& member);
  Result<void> presence(const JsonMember& member);
  Result<void> client_rate(const JsonMember& member);
  Result<void> webhooks(const JsonMember& member);
  Result<void> slow(const JsonMember& member);
  Result<void> messages_max(const JsonMember& member);
  Result<void> replay_window(const JsonMember& member) {
    return milliseconds(member, 0, definition_.replay_window_ms);
  }
  Result<void> inactivity_ttl(const JsonMember& member) {
    return milliseconds(member, 0, definition_.inactivity_ttl_ms);
  }
  Result<void> keepalive_interval(const JsonMember& member) {
    return milliseconds(member, 1, definition_.keepalive_interval_ms);
  }
  Result<void> connection_lifetime(const JsonMember& member) {
    return milliseconds(member, 1, definition_.max_connection_lifetime_ms);
  }
  Result<void> check_context_params() const;
  Result<void> read_members(const Members& members);

  const bool is_newer_;  // what we don't know may be right
  Definition definition_;
};

// `name` is read before all others: their errors say it.
const std::array<DefinitionParser::Member, 15> DefinitionParser::kMembers = {{
    {"auth", &DefinitionParser::auth},
    {"clientRate", &DefinitionParser::client_rate},
    {"contextParams", &DefinitionParser::context_params},
    {"handlers", &DefinitionParser::handlers},
    {"inactivityTtlMs", &DefinitionParser::inactivity_ttl},
    {"keepaliveIntervalMs", &DefinitionParser::keepalive_interval},
    {"maxConnectionLifetimeMs", &DefinitionParser::connection_lifetime},
    {"maxMessages", &DefinitionParser::messages_max},
    {"name", &DefinitionParser::name},
    {"paramsSchema", &DefinitionParser::params_schema},
    {"presence", &DefinitionParser::presence},
    {"replayWindowMs", &DefinitionParser::replay_window},
    {"slow", &DefinitionParser::slow},
    {"transport", &DefinitionParser::transport},
    {"webhooks", &DefinitionParser::webhooks},
}};

Result<Definition> DefinitionParser::parse(std::string_view raw) {
  const auto members = split_json_object(raw);
  if (!members) return refuse(members.error().detail);
  const JsonMember* named = find_member(*members, "name");
  if (named == nullptr) return refuse("name is required");
  if (auto done = name(*named); !done) return std::unexpected(done.error());
  if (auto done = read_members(*members); !done) {
    if (!is_newer_) return std::unexpected(done.error());
    const std::string known = std::exchange(definition_, {}).name;
    definition_.name = known;
    definition_.is_understood = false;
    definition_.params_schema = ParamsSchema::any();
  }
  return std::move(definition_);
}

Result<void> DefinitionParser::read_members(const Members& members) {
  // Without `auth` a channel is private: public must be said.
  definition_.auth = AuthRule{.header_name = std::string(kDefaultHeader), .cookie_name = {}};
  definition_.params_schema = ParamsSchema::any();
  for (const JsonMember& member : members) {
    const auto known = std::ranges::find(kMembers, member.name, &Member::name);
    if (known == kMembers.end()) {
      if (is_newer_) continue;
      return refuse("the member " + json_string(member.name) + " is unknown");
    }
    if (auto done = (this->*known->handler)(member); !done) return done;
  }
  return check_context_params();
}

Result<void> DefinitionParser::whole(const JsonMember& member, std::int64_t min, std::int64_t max,
                                     std::int64_t& out, LimitCounter limit) const {
  const auto value = json_integer_value(member.raw);
  if (!value || *value < min || *value > max) {
    const bool is_too_large = value && *value > max;
    return refuse(member.name + " must be a whole number from " + std::to_string(min) + " to " +
                      std::to_string(max),
                  is_too_large ? limit : nullptr);
  }
  out = *value;
  return {};
}

Result<void> DefinitionParser::name(const JsonMember& member) {
  const auto value = json_string_value(member.raw);
  if (!value || !is_definition_name(*value)) {
    const bool is_too_long = value && value->size() > limits::kChannelNameMax;
    return refuse("name must have 1 to " + std::to_string(limits::kChannelNameMax) +
                      " characters of A-Z a-z 0-9 _ - . : / = @ , ; and may end in *",
                  is_too_long ? &LimitCounters::channel_name_max : nullptr);
  }
  definition_.name = *value;
  return {};
}

Result<void> DefinitionParser::params_schema(const JsonMember& member) {
  auto compiled = ParamsSchema::compile(member.raw);
  if (!compiled) return refuse(compiled.error().detail, compiled.error().limit);
  definition_.params_schema = *std::move(compiled);
  definition_.params_schema_json = minify_json(member.raw);
  return {};
}

Result<void> DefinitionParser::context_params(const JsonMember& member) {
  const auto names = split_json_array(member.raw, member.raw.size());
  if (!names) return refuse("contextParams must be a list of param names");
  std::set<std::string> seen;
  for (const std::string_view raw : *names) {
    auto value = json_string_value(raw);
    if (!value) return refuse("contextParams must be a list of param names");
    if (!seen.insert(*value).second) {
      return refuse("contextParams names " + json_string(*value) + " twice");
    }
  }
  definition_.context_params.assign(seen.begin(), seen.end());
  return {};
}

// What is not declared never partitions, so such a name is a slip, and the param it was meant for
// would partition unnoticed.
Result<void> DefinitionParser::check_context_params() const {
  for (const std::string& param : definition_.context_params) {
    if (!definition_.params_schema->declares(param)) {
      return refuse("contextParams names " + json_string(param) +
                    ", which paramsSchema does not declare");
    }
  }
  return {};
}

Result<void> DefinitionParser::auth(const JsonMember& member) {
  if (member.raw == "false") {
    definition_.auth.reset();
    return {};
  }
  const auto members = split_json_object(member.raw);
  if (!members) {
    return refuse("auth must be false (public) or an object with headerName and cookieName");
  }
  AuthRule rule{.header_name = std::string(kDefaultHeader), .cookie_name = {}};
  for (const JsonMember& part : *members) {
    if (auto done = auth_member(rule, part); !done) return done;
  }
  if (!rule.header_name && !rule.cookie_name) {
    return refuse("auth.headerName is false, so auth.cookieName is required");
  }
  definition_.auth = std::move(rule);
  return {};
}

Result<void> DefinitionParser::auth_member(AuthRule& rule, const JsonMember& member) const {
  const auto value = json_string_value(member.raw);
  const bool is_name = value && is_token(*value);
  if (member.name == "headerName") {
    if (!is_name && member.raw != "false") {
      return refuse("auth.headerName must be a header's name or false");
    }
    rule.header_name = is_name ? std::optional(ascii::lowered(*value)) : std::nullopt;
    return {};
  }
  if (member.name != "cookieName") {
    if (is_newer_) return {};
    return refuse("the member " + json_string("auth." + member.name) + " is unknown");
  }
  if (!is_name) return refuse("auth.cookieName must be a cookie's name");
  rule.cookie_name = value;
  return {};
}

Result<void> DefinitionParser::transport(const JsonMember& member) {
  const auto value = find_word(kTransports, member.raw);
  if (!value) return refuse("transport must be \"sse\" or \"ws\"");
  definition_.transport = *value;
  return {};
}

Result<void> DefinitionParser::handlers(const JsonMember& member) {
  const auto members = split_json_object(member.raw);
  if (!members) return refuse("handlers must be an object of message types");
  for (const JsonMember& handler : *members) {
    if (!is_message_type(handler.name)) {
      return refuse("handlers names " + json_string(handler.name) + ", which is no message type");
    }
    const auto kind = find_word(kHandlerKinds, handler.raw);
    if (!kind && is_newer_) continue;  // Clients of this edge can't send it.
    if (!kind) {
      return refuse("handlers." + handler.name + R"( must be "relay", "ephemeral" or "dispatch")");
    }
    definition_.handlers.emplace(handler.name, *kind);
  }
  return {};
}

Result<void> DefinitionParser::presence(const JsonMember& member) {
  auto rule = parse_presence_rule(member.raw, is_newer_);
  if (!rule) return refuse(rule.error().detail, rule.error().limit);
  definition_.presence = *rule;
  return {};
}

Result<void> DefinitionParser::client_rate(const JsonMember& member) {
  auto rate = parse_client_rate(member.raw, is_newer_);
  if (!rate) return refuse(rate.error().detail, rate.error().limit);
  definition_.client_rate = *rate;
  return {};
}

Result<void> DefinitionParser::webhooks(const JsonMember& member) {
  auto events = parse_webhook_events(member.raw, is_newer_);
  if (!events) return refuse(events.error().detail, events.error().limit);
  definition_.webhooks = *events;
  return {};
}

Result<void> DefinitionParser::slow(const JsonMember& member) {
  const auto value = find_word(kSlowPolicies, member.raw);
  if (!value) return refuse("slow must be \"resume\", \"latest\" or \"disconnect\"");
  definition_.slow = *value;
  return {};
}

Result<void> DefinitionParser::messages_max(const JsonMember& member) {
  std::int64_t value = 0;
  constexpr auto kMax = static_cast<std::int64_t>(limits::kChannelMessagesMax);
  if (auto done = whole(member, 1, kMax, value); !done) return done;
  definition_.messages_max = static_cast<std::size_t>(value);
  return {};
}

std::string auth_json(const std::optional<AuthRule>& auth) {
  if (!auth) return "false";
  std::string out = R"({"headerName":)";
  out += auth->header_name ? json_string(*auth->header_name) : "false";
  if (auth->cookie_name) out += R"(,"cookieName":)" + json_string(*auth->cookie_name);
  return out + '}';
}

std::unexpected<Error> invalid_set(std::string why, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::DefinitionInvalid, std::move(why));
}

// The elements of {"definitions":[…]}.
Result<std::vector<std::string_view>> split_set(std::string_view json, DefinitionSource source) {
  if (json.size() > limits::kDefinitionsBytesMax) {
    return invalid_set(
        "the definitions have more than " + std::to_string(limits::kDefinitionsBytesMax) + " bytes",
        &LimitCounters::definitions_bytes_max);
  }
  const auto members = split_json_object(json);
  if (!members) return invalid_set(members.error().detail, members.error().limit);
  const JsonMember* list = find_member(*members, "definitions");
  if (list == nullptr || (members->size() != 1 && source == DefinitionSource::App)) {
    return invalid_set(R"(the body must be {"definitions":[…]})");
  }
  auto elements = split_json_array(list->raw, list->raw.size());
  if (!elements) return invalid_set("definitions must be a list");
  if (elements->size() > limits::kDefinitionsMax) {
    return invalid_set(
        "there are more than " + std::to_string(limits::kDefinitionsMax) + " definitions",
        &LimitCounters::definitions_max);
  }
  return elements;
}

Result<void> check_set(const std::vector<Definition>& sorted) {
  const auto twice = std::ranges::adjacent_find(sorted, {}, &Definition::name);
  if (twice != sorted.end()) {
    return invalid_set("definition " + json_string(twice->name) + ": the name occurs twice");
  }
  std::size_t patterns = 0;
  for (const Definition& definition : sorted) patterns += definition.params_schema->pattern_count();
  if (patterns > limits::kPatternsMax) {
    return invalid_set(
        "the definitions have more than " + std::to_string(limits::kPatternsMax) + " patterns",
        &LimitCounters::patterns_max);
  }
  return {};
}

}  // namespace

Params Definition::partition_of(const Params& params) const {
  Params partition;
  for (const auto& [param, value] : params) {
    const bool is_context = std::ranges::find(context_params, param) != context_params.end();
    if (!is_context && params_schema->declares(param)) partition.emplace(param, value);
  }
  return partition;
}

std::string Definition::to_json() const {
  std::string out = R"({"name":)" + json_string(name);
  if (!params_schema_json.empty()) out += R"(,"paramsSchema":)" + params_schema_json;
  out += R"(,"contextParams":[)";
  for (const std::string& param : context_params) {
    if (out.back() != '[') out += ',';
    append_json_string(out, param);
  }
  out += R"(],"auth":)" + auth_json(auth);
  out += R"(,"transport":)" + json_string(word_of(kTransports, transport));
  out += R"(,"handlers":{)";
  for (const auto& [type, kind] : handlers) {
    if (out.back() != '{') out += ',';
    append_json_string(out, type);
    out += ':' + json_string(word_of(kHandlerKinds, kind));
  }
  out += R"(},"replayWindowMs":)" + std::to_string(replay_window_ms);
  out += R"(,"inactivityTtlMs":)" + std::to_string(inactivity_ttl_ms);
  out += R"(,"keepaliveIntervalMs":)" + std::to_string(keepalive_interval_ms);
  out += R"(,"maxConnectionLifetimeMs":)" + std::to_string(max_connection_lifetime_ms);
  if (messages_max != 0) out += R"(,"maxMessages":)" + std::to_string(messages_max);
  out += R"(,"slow":)" + json_string(word_of(kSlowPolicies, slow));
  if (presence) out += R"(,"presence":)" + tako::to_json(presence);
  if (client_rate != ClientRate{}) out += R"(,"clientRate":)" + tako::to_json(client_rate);
  if (webhooks.any()) out += R"(,"webhooks":)" + tako::to_json(webhooks);
  return out + '}';
}

Result<std::shared_ptr<const DefinitionSet>> DefinitionSet::parse(std::string_view json,
                                                                  DefinitionSource source) {
  const auto elements = split_set(json, source);
  if (!elements) return std::unexpected(elements.error());
  auto set = std::make_shared<DefinitionSet>();
  for (const std::string_view element : *elements) {
    auto definition = DefinitionParser(source).parse(element);
    if (!definition) return std::unexpected(definition.error());
    set->definitions_.push_back(*std::move(definition));
  }
  std::ranges::sort(set->definitions_, {}, &Definition::name);
  if (auto fits = check_set(set->definitions_); !fits) return std::unexpected(fits.error());
  return set;
}

std::shared_ptr<const DefinitionSet> DefinitionSet::empty() {
  return std::make_shared<const DefinitionSet>();
}

// One that is not understood still covers its channels: another, wider one may be open to all.
const Definition* DefinitionSet::find(std::string_view name) const {
  const Definition* definition = covering(name);
  return definition != nullptr && definition->is_understood ? definition : nullptr;
}

const Definition* DefinitionSet::covering(std::string_view name) const {
  // A channel's name holds no star, so an exact match is never a pattern's own text.
  if (name.find('*') != std::string_view::npos) return nullptr;
  const auto exact = std::ranges::lower_bound(definitions_, name, {}, &Definition::name);
  if (exact != definitions_.end() && exact->name == name) return &*exact;
  const Definition* longest = nullptr;
  for (const Definition& definition : definitions_) {
    const std::string_view pattern = definition.name;
    if (!pattern.ends_with('*') || !name.starts_with(pattern.substr(0, pattern.size() - 1))) {
      continue;
    }
    if (longest == nullptr || pattern.size() > longest->name.size()) longest = &definition;
  }
  return longest;
}

std::string DefinitionSet::not_understood() const {
  std::string names;
  for (const Definition& definition : definitions_) {
    if (definition.is_understood) continue;
    names += (names.empty() ? "" : ", ") + definition.name;
  }
  return names;
}

std::string DefinitionSet::to_json() const {
  std::string out = R"({"definitions":[)";
  for (const Definition& definition : definitions_) {
    if (out.back() != '[') out += ',';
    out += definition.to_json();
  }
  return out + "]}";
}

}  // namespace tako
