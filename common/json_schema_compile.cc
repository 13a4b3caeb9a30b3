// Compiles schemas: every keyword is understood or refused by name.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "common/json_number.h"
#include "common/json_schema.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako {
namespace {

using Members = std::vector<JsonMember>;

// What says something about a schema and nothing about values. `default` is among them: JSON Schema
// calls it an annotation, the original does not fill it in either, and a value that nobody sent
// would silently choose a channel.
constexpr std::array<std::string_view, 10> kAnnotations = {
    "$comment",    "$id",      "$schema",  "default", "deprecated",
    "description", "examples", "readOnly", "title",   "writeOnly"};

constexpr std::array<std::pair<std::string_view, JsonKind>, 7> kKindNames = {{
    {"array", JsonKind::Array},
    {"boolean", JsonKind::Boolean},
    {"integer", JsonKind::Integer},
    {"null", JsonKind::Null},
    {"number", JsonKind::Number},
    {"object", JsonKind::Object},
    {"string", JsonKind::String},
}};

// Fills one node. Errors are texts, the caller adds where; nested nodes come with their own.
class NodeCompiler {
 public:
  NodeCompiler(std::string where, std::size_t& pattern_count)
      : where_(std::move(where)), pattern_count_(pattern_count) {}

  Result<std::unique_ptr<const JsonSchema>> compile(std::string_view raw);

 private:
  using Handler = Result<void> (NodeCompiler::*)(const JsonMember&);
  struct Keyword {
    std::string_view name;
    Handler handler;
  };
  static const std::array<Keyword, 20> kKeywords;

  [[nodiscard]] std::unexpected<Error> refuse(const std::string& why,
                                              LimitCounter limit = nullptr) const {
    return fail_at(limit, ErrorCode::DefinitionInvalid, where_ + ": " + why);
  }
  // A rule about strings on a schema that never is a string would never be checked.
  Result<void> needs(const JsonMember& keyword, std::initializer_list<JsonKind> kinds) const;
  Result<void> count(const JsonMember& keyword, JsonKind kind, std::size_t& out) const;
  Result<void> bound(const JsonMember& keyword, std::optional<long double>& out) const;
  Result<std::unique_ptr<const JsonSchema>> nested(std::string_view raw, std::string where);
  Result<void> fill(const Members& members);
  Result<void> infer_kinds();
  Result<void> allow(const JsonMember& keyword, std::span<const std::string_view> values);

  Result<void> type(const JsonMember& keyword);
  Result<void> one_type(std::string_view raw);
  Result<void> enumeration(const JsonMember& keyword);
  Result<void> constant(const JsonMember& keyword);
  Result<void> any_of(const JsonMember& keyword);
  Result<void> minimum(const JsonMember& k) { return bound(k, node_->number.minimum); }
  Result<void> maximum(const JsonMember& k) { return bound(k, node_->number.maximum); }
  Result<void> above(const JsonMember& k) { return bound(k, node_->number.exclusive_minimum); }
  Result<void> below(const JsonMember& k) { return bound(k, node_->number.exclusive_maximum); }
  Result<void> multiple_of(const JsonMember& keyword);
  Result<void> min_length(const JsonMember& keyword) {
    return count(keyword, JsonKind::String, node_->string.length_min);
  }
  Result<void> max_length(const JsonMember& keyword) {
    return count(keyword, JsonKind::String, node_->string.length_max);
  }
  Result<void> pattern(const JsonMember& keyword);
  Result<void> format(const JsonMember& keyword);
  Result<void> items(const JsonMember& keyword);
  Result<void> min_items(const JsonMember& keyword) {
    return count(keyword, JsonKind::Array, node_->array.items_min);
  }
  Result<void> max_items(const JsonMember& keyword) {
    return count(keyword, JsonKind::Array, node_->array.items_max);
  }
  Result<void> unique_items(const JsonMember& keyword);
  Result<void> properties(const JsonMember& keyword);
  Result<void> required(const JsonMember& keyword);
  Result<void> additional_properties(const JsonMember& keyword);

  std::string where_;
  std::size_t& pattern_count_;
  std::unique_ptr<JsonSchema> node_ = std::make_unique<JsonSchema>();
};

const std::array<NodeCompiler::Keyword, 20> NodeCompiler::kKeywords = {{
    {"additionalProperties", &NodeCompiler::additional_properties},
    {"anyOf", &NodeCompiler::any_of},
    {"const", &NodeCompiler::constant},
    {"enum", &NodeCompiler::enumeration},
    {"exclusiveMaximum", &NodeCompiler::below},
    {"exclusiveMinimum", &NodeCompiler::above},
    {"format", &NodeCompiler::format},
    {"items", &NodeCompiler::items},
    {"maxItems", &NodeCompiler::max_items},
    {"maxLength", &NodeCompiler::max_length},
    {"maximum", &NodeCompiler::maximum},
    {"minItems", &NodeCompiler::min_items},
    {"minLength", &NodeCompiler::min_length},
    {"minimum", &NodeCompiler::minimum},
    {"multipleOf", &NodeCompiler::multiple_of},
    {"pattern", &NodeCompiler::pattern},
    {"properties", &NodeCompiler::properties},
    {"required", &NodeCompiler::required},
    {"type", &NodeCompiler::type},
    {"uniqueItems", &NodeCompiler::unique_items},
}};

Result<std::unique_ptr<const JsonSchema>> NodeCompiler::compile(std::string_view raw) {
  if (raw == "true" || raw == "false") return refuse("a schema of true or false is not supported");
  const auto members = split_json_object(raw);
  if (!members) return refuse(members.error().detail);
  if (auto filled = fill(*members); !filled) return std::unexpected(filled.error());
  return std::unique_ptr<const JsonSchema>(std::move(node_));
}

// `type` goes first: the other keywords are held against it.
Result<void> NodeCompiler::fill(const Members& members) {
  if (const JsonMember* found = find_member(members, "type"); found != nullptr) {
    if (auto done = type(*found); !done) return done;
  }
  bool any_of_stands_alone = true;
  for (const JsonMember& member : members) {
    if (std::ranges::find(kAnnotations, member.name) != kAnnotations.end()) continue;
    if (member.name != "anyOf") any_of_stands_alone = false;
    if (member.name == "type") continue;
    const auto keyword = std::ranges::find(kKeywords, member.name, &Keyword::name);
    if (keyword == kKeywords.end()) {
      return refuse("the keyword " + json_string(member.name) + " is not supported");
    }
    if (auto done = (this->*keyword->handler)(member); !done) return done;
  }
  if (!node_->any_of.empty() && !any_of_stands_alone) {
    return refuse("anyOf takes no other rule beside it; put the rules into its branches");
  }
  return infer_kinds();
}

// Without `type`, the values of enum or const say how text is to be read.
Result<void> NodeCompiler::infer_kinds() {
  if (!node_->kinds.empty() || !node_->allowed) return {};
  for (const std::string& value : *node_->allowed) {
    const JsonKind kind = json_kind(value);
    if (std::ranges::find(node_->kinds, kind) == node_->kinds.end()) node_->kinds.push_back(kind);
  }
  return {};
}

Result<void> NodeCompiler::needs(const JsonMember& keyword,
                                 std::initializer_list<JsonKind> kinds) const {
  const bool fits = std::ranges::any_of(kinds, [this](JsonKind kind) {
    return std::ranges::find(node_->kinds, kind) != node_->kinds.end();
  });
  if (fits) return {};
  return refuse(keyword.name + " needs a type that is " + std::string(kind_noun(*kinds.begin())));
}

Result<void> NodeCompiler::count(const JsonMember& keyword, JsonKind kind, std::size_t& out) const {
  if (auto fits = needs(keyword, {kind}); !fits) return fits;
  const auto value = json_integer_value(keyword.raw);
  if (!value || *value < 0) return refuse(keyword.name + " must be a whole number from 0 on");
  out = static_cast<std::size_t>(*value);
  return {};
}

Result<void> NodeCompiler::bound(const JsonMember& keyword, std::optional<long double>& out) const {
  if (auto fits = needs(keyword, {JsonKind::Number, JsonKind::Integer}); !fits) return fits;
  if (const auto integer = parse_integer(keyword.raw); integer) {
    out = static_cast<long double>(*integer);
    return {};
  }
  const auto number = parse_number(keyword.raw);
  if (!number) return refuse(keyword.name + " must be a number");
  out = *number;
  return {};
}

Result<std::unique_ptr<const JsonSchema>> NodeCompiler::nested(std::string_view raw,
                                                               std::string where) {
  return NodeCompiler(where_ + std::move(where), pattern_count_).compile(raw);
}

Result<void> NodeCompiler::type(const JsonMember& keyword) {
  if (!keyword.raw.starts_with('[')) return one_type(keyword.raw);
  const auto names = split_json_array(keyword.raw, kKindNames.size());
  if (!names || names->empty()) return refuse("type must be a name or a list of names");
  for (const std::string_view name : *names) {
    if (auto done = one_type(name); !done) return done;
  }
  return {};
}

Result<void> NodeCompiler::one_type(std::string_view raw) {
  const auto name = json_string_value(raw);
  if (!name) return refuse("type must be a name or a list of names");
  const auto found =
      std::ranges::find(kKindNames, *name, &std::pair<std::string_view, JsonKind>::first);
  if (found == kKindNames.end()) return refuse("the type " + json_string(*name) + " is unknown");
  if (std::ranges::find(node_->kinds, found->second) != node_->kinds.end()) {
    return refuse("type names " + json_string(*name) + " twice");
  }
  node_->kinds.push_back(found->second);
  return {};
}

Result<void> NodeCompiler::allow(const JsonMember& keyword,
                                 std::span<const std::string_view> values) {
  if (node_->allowed) return refuse("enum and const exclude each other");
  node_->allowed.emplace();
  for (const std::string_view value : values) {
    auto comparable = comparable_json(value);
    if (!comparable) return refuse(keyword.name + " holds a value without a canonical form");
    node_->allowed->push_back(*std::move(comparable));
  }
  return {};
}

Result<void> NodeCompiler::enumeration(const JsonMember& keyword) {
  const auto values = split_json_array(keyword.raw, keyword.raw.size());
  if (!values || values->empty()) return refuse("enum must be a list of values");
  return allow(keyword, *values);
}

Result<void> NodeCompiler::constant(const JsonMember& keyword) {
  return allow(keyword, std::span(&keyword.raw, 1));
}

Result<void> NodeCompiler::any_of(const JsonMember& keyword) {
  const auto branches = split_json_array(keyword.raw, keyword.raw.size());
  if (!branches || branches->empty()) return refuse("anyOf must be a list of schemas");
  for (std::size_t i = 0; i < branches->size(); ++i) {
    auto branch = nested(branches->at(i), ".anyOf[" + std::to_string(i) + ']');
    if (!branch) return std::unexpected(branch.error());
    node_->any_of.push_back(*std::move(branch));
  }
  return {};
}

Result<void> NodeCompiler::multiple_of(const JsonMember& keyword) {
  if (auto done = bound(keyword, node_->number.multiple_of); !done) return done;
  if (*node_->number.multiple_of <= 0) return refuse("multipleOf must be more than 0");
  return {};
}

Result<void> NodeCompiler::pattern(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::String}); !fits) return fits;
  const auto text = json_string_value(keyword.raw);
  if (!text) return refuse("pattern must be a string");
  if (text->size() > limits::kPatternBytesMax) {
    return refuse("pattern is longer than " + std::to_string(limits::kPatternBytesMax) + " bytes",
                  &LimitCounters::pattern_bytes_max);
  }
  if (++pattern_count_ > limits::kPatternsMax) {
    return refuse("there are more than " + std::to_string(limits::kPatternsMax) + " patterns",
                  &LimitCounters::patterns_max);
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(static_cast<std::int64_t>(limits::kPatternMemoryMax));
  auto compiled = std::make_unique<const re2::RE2>(*text, options);
  if (compiled->error_code() == re2::RE2::ErrorPatternTooLarge) {
    return refuse("the pattern " + json_string(*text) + " takes more memory than " +
                      std::to_string(limits::kPatternMemoryMax) + " bytes: repeat less",
                  &LimitCounters::pattern_memory_max);
  }
  if (!compiled->ok()) {
    return refuse("the pattern " + json_string(*text) + " is not supported: " + compiled->error() +
                  " (RE2 matches patterns: no lookaround, no back-references, repeats up to 1000)");
  }
  node_->string.pattern = std::move(compiled);
  return {};
}

Result<void> NodeCompiler::format(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::String}); !fits) return fits;
  const auto name = json_string_value(keyword.raw);
  node_->string.format = name ? find_format(*name) : nullptr;
  if (node_->string.format == nullptr) {
    return refuse("the format " + std::string(keyword.raw) + " is not supported");
  }
  node_->string.format_name = *name;
  return {};
}

Result<void> NodeCompiler::items(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::Array}); !fits) return fits;
  if (keyword.raw.starts_with('[')) {
    return refuse("items as a list of schemas (a tuple) is not supported");
  }
  auto compiled = nested(keyword.raw, ".items");
  if (!compiled) return std::unexpected(compiled.error());
  node_->array.items = *std::move(compiled);
  return {};
}

Result<void> NodeCompiler::unique_items(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::Array}); !fits) return fits;
  const auto value = json_bool_value(keyword.raw);
  if (!value) return refuse("uniqueItems must be true or false");
  node_->array.unique = *value;
  return {};
}

Result<void> NodeCompiler::properties(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::Object}); !fits) return fits;
  const auto members = split_json_object(keyword.raw);
  if (!members) return refuse("properties must be an object of schemas");
  for (const JsonMember& member : *members) {
    auto compiled = nested(member.raw, ".properties." + member.name);
    if (!compiled) return std::unexpected(compiled.error());
    node_->object.properties.emplace(member.name, *std::move(compiled));
  }
  return {};
}

Result<void> NodeCompiler::required(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::Object}); !fits) return fits;
  const auto names = split_json_array(keyword.raw, keyword.raw.size());
  if (!names) return refuse("required must be a list of names");
  for (const std::string_view raw : *names) {
    const auto name = json_string_value(raw);
    if (!name) return refuse("required must be a list of names");
    node_->object.required.insert(*name);
  }
  return {};
}

Result<void> NodeCompiler::additional_properties(const JsonMember& keyword) {
  if (auto fits = needs(keyword, {JsonKind::Object}); !fits) return fits;
  const auto value = json_bool_value(keyword.raw);
  if (!value) return refuse("additionalProperties is supported as true or false only");
  node_->object.additional = *value;
  return {};
}

}  // namespace

Result<CompiledSchema> compile_json_schema(std::string_view schema_json, std::string_view where) {
  CompiledSchema compiled;
  auto root = NodeCompiler(std::string(where), compiled.pattern_count).compile(schema_json);
  if (!root) return std::unexpected(root.error());
  compiled.root = *std::move(root);
  return compiled;
}

}  // namespace tako
