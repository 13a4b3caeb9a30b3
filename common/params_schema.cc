// Types and checks params, each by the compiled schema of its property.
#include "common/params_schema.h"

#include <expected>
#include <utility>

#include "common/json_number.h"
#include "common/json_schema.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako {
namespace {

constexpr std::string_view kWhere = "paramsSchema";

std::unexpected<Error> invalid(const std::string& why, LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::ParamsInvalid, "invalid channel params: " + why);
}

// Text read as one kind: the value, and its JSON for the schema. nullopt when it does not read so.
struct ReadValue {
  ParamValue value;
  std::string json;
};

std::optional<ReadValue> read_integer(const std::string& text) {
  const auto integer = parse_integer(text);
  if (!integer) return std::nullopt;
  return ReadValue{.value = *integer, .json = std::to_string(*integer)};
}

std::optional<ReadValue> read_number(const std::string& text) {
  const auto number = parse_number(text);
  if (!number) return std::nullopt;
  return ReadValue{.value = *number, .json = canonical_text(*number)};
}

// Canonical first, so that what is checked and shown to the app is what makes the key.
std::optional<ReadValue> read_json(const std::string& text, JsonKind kind) {
  auto canonical = canonical_json(text);
  if (!canonical || json_kind(*canonical) != kind) return std::nullopt;
  return ReadValue{.value = JsonValue{*canonical}, .json = *canonical};
}

std::optional<ReadValue> read_text(const std::string& text, JsonKind kind) {
  switch (kind) {
    case JsonKind::String:
      return ReadValue{.value = text, .json = json_string(text)};
    case JsonKind::Integer:
      return read_integer(text);
    case JsonKind::Number:
      return read_number(text);
    case JsonKind::Boolean:
      if (text != "true" && text != "false") return std::nullopt;
      return ReadValue{.value = text == "true", .json = text};
    case JsonKind::Array:
    case JsonKind::Object:
      return read_json(text, kind);
    case JsonKind::Null:
      return std::nullopt;  // Absent is how a query says null.
  }
  return std::nullopt;
}

using Typed = std::expected<ParamValue, std::string>;

// The first kind or branch that takes the text.
Typed type_text(const JsonSchema& schema, const std::string& text, const std::string& name) {
  for (const auto& branch : schema.any_of) {
    if (auto typed = type_text(*branch, text, name); typed) return typed;
  }
  if (!schema.any_of.empty()) return std::unexpected(why_none_fits(schema, name));
  const std::vector<JsonKind> untyped{JsonKind::String};
  const std::vector<JsonKind>& kinds = schema.kinds.empty() ? untyped : schema.kinds;
  std::string why;
  for (const JsonKind kind : kinds) {
    auto read = read_text(text, kind);
    if (!read) {
      if (why.empty()) why = name + " must be " + std::string(kind_noun(kind));
      continue;
    }
    auto refusal = why_refused(schema, read->json, name);
    if (!refusal) return std::move(read->value);
    why = *std::move(refusal);
  }
  return std::unexpected(why);
}

// What a value given as JSON would be as text in a query.
std::optional<std::string> text_of_json(std::string_view raw) {
  if (raw.starts_with('"')) return json_string_value(raw);
  return comparable_json(raw);
}

std::optional<ParamValue> untyped_value(std::string_view raw) {
  const auto text = text_of_json(raw);
  if (!text) return std::nullopt;
  const JsonKind kind = json_kind(raw);
  auto read = read_text(*text, kind);
  // An integer beyond 64 bits is a number still.
  if (!read && kind == JsonKind::Integer) read = read_number(*text);
  if (!read) return std::nullopt;
  return std::move(read->value);
}

class CompiledParamsSchema final : public ParamsSchema {
 public:
  explicit CompiledParamsSchema(CompiledSchema compiled) : compiled_(std::move(compiled)) {}

  Result<Params> check_text(
      const std::map<std::string, std::string, std::less<>>& text) const override {
    Params params;
    for (const auto& [name, value] : text) {
      if (auto added = add_text(params, name, value); !added) {
        return std::unexpected(added.error());
      }
    }
    return complete(std::move(params));
  }

  Result<Params> check_json(std::string_view params_object_json) const override {
    const auto members = split_json_object(params_object_json);
    if (!members) return invalid(members.error().detail, members.error().limit);
    if (members->size() > limits::kQueryPairsMax) {
      return invalid("more than " + std::to_string(limits::kQueryPairsMax) + " params",
                     &LimitCounters::query_pairs_max);
    }
    Params params;
    for (const JsonMember& member : *members) {
      if (member.raw == "null") continue;  // As the SDK leaves null out of a query.
      if (auto added = add_json(params, member); !added) return std::unexpected(added.error());
    }
    return complete(std::move(params));
  }

  bool declares(std::string_view name) const override { return rules().properties.contains(name); }
  std::size_t pattern_count() const override { return compiled_.pattern_count; }

 private:
  const ObjectRules& rules() const { return compiled_.root->object; }

  const JsonSchema* property(std::string_view name) const {
    const auto found = rules().properties.find(name);
    return found == rules().properties.end() ? nullptr : found->second.get();
  }

  Result<void> check_undeclared(const std::string& name) const {
    if (is_reserved_param(name)) return invalid(json_string(name) + " can't be a param's name");
    if (!rules().additional) return invalid(json_string(name) + " is not declared");
    return {};
  }

  Result<void> add_text(Params& params, const std::string& name, const std::string& text) const {
    const JsonSchema* declared = property(name);
    if (declared == nullptr) {
      if (auto allowed = check_undeclared(name); !allowed) return allowed;
      params.emplace(name, text);
      return {};
    }
    auto typed = type_text(*declared, text, name);
    // `1e2` as a number makes the key `100`, and `100` may read as another type first.
    if (typed) typed = type_text(*declared, canonical_text(*typed), name);
    if (!typed) return invalid(typed.error());
    params.emplace(name, *std::move(typed));
    return {};
  }

  // A JSON value must fit as it is; then its text decides its type, as it would in a query, so that
  // one channel never has two keys, nor two channels one.
  Result<void> add_json(Params& params, const JsonMember& member) const {
    const JsonSchema* declared = property(member.name);
    if (declared == nullptr) {
      if (auto allowed = check_undeclared(member.name); !allowed) return allowed;
      auto value = untyped_value(member.raw);
      if (!value) return invalid(json_string(member.name) + " has no canonical form");
      params.emplace(member.name, *std::move(value));
      return {};
    }
    if (auto refusal = why_refused(*declared, member.raw, member.name)) return invalid(*refusal);
    const auto text = text_of_json(member.raw);
    if (!text) return invalid(member.name + " has no canonical form");
    return add_text(params, member.name, *text);
  }

  Result<Params> complete(Params params) const {
    for (const std::string& name : rules().required) {
      if (!params.contains(name)) return invalid(name + " is required");
    }
    return params;
  }

  CompiledSchema compiled_;
};

// A property that a query can't carry would never be there.
Result<void> check_root(const JsonSchema& root) {
  const auto refuse = [](const std::string& why) {
    return fail(ErrorCode::DefinitionInvalid, std::string(kWhere) + ": " + why);
  };
  if (root.kinds != std::vector{JsonKind::Object}) return refuse("type must be \"object\"");
  if (root.allowed) return refuse("enum and const are not supported here");
  for (const auto& [name, schema] : root.object.properties) {
    if (is_reserved_param(name)) {
      return refuse("the property " + json_string(name) +
                    " is reserved: names that begin with _ and last_message_id are no params");
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ParamsSchema>> ParamsSchema::compile(std::string_view schema_json) {
  auto compiled = compile_json_schema(schema_json, kWhere);
  if (!compiled) return std::unexpected(compiled.error());
  if (auto fits = check_root(*compiled->root); !fits) return std::unexpected(fits.error());
  return std::make_shared<const CompiledParamsSchema>(*std::move(compiled));
}

std::shared_ptr<const ParamsSchema> ParamsSchema::any() {
  CompiledSchema compiled{.root = std::make_unique<const JsonSchema>()};
  return std::make_shared<const CompiledParamsSchema>(std::move(compiled));
}

}  // namespace tako
