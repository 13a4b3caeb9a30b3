// Checks values against compiled schemas.
#include "common/json_schema.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "common/json_number.h"
#include "common/json_text.h"
#include "common/utf8.h"

namespace tako {
namespace {

using Refusal = std::optional<std::string>;

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

long double exact_number(std::string_view raw) {
  if (const auto integer = parse_integer(raw); integer) return static_cast<long double>(*integer);
  return parse_number(raw).value_or(std::numeric_limits<double>::infinity());
}

std::string number_text(long double value) {
  std::string text;
  append_number(text, static_cast<double>(value));
  return text;
}

bool admits(const std::vector<JsonKind>& kinds, JsonKind kind) {
  return kinds.empty() || std::ranges::any_of(kinds, [kind](JsonKind wanted) {
           return wanted == kind || (wanted == JsonKind::Number && kind == JsonKind::Integer);
         });
}

std::string nouns(const std::vector<JsonKind>& kinds) {
  std::string text;
  for (const JsonKind kind : kinds) {
    if (!text.empty()) text += " or ";
    text += kind_noun(kind);
  }
  return text;
}

// Decimal fractions such as 0.01 are no exact doubles, so a quotient counts as whole when it is
// one within the rounding of both doubles. Whole numbers are compared exactly.
bool is_multiple(long double value, long double divisor) {
  if (std::trunc(divisor) == divisor) return std::fmod(value, divisor) == 0;
  const long double quotient = value / divisor;
  const long double tolerance = std::fabs(quotient) * 4 * DBL_EPSILON;
  return std::fabs(quotient - std::round(quotient)) <= tolerance;
}

Refusal refuse_number(const NumberRules& rules, std::string_view raw, const std::string& path) {
  const long double value = exact_number(raw);
  if (!std::isfinite(value)) return path + " is too large";
  if (rules.minimum && value < *rules.minimum) {
    return path + " must be at least " + number_text(*rules.minimum);
  }
  if (rules.maximum && value > *rules.maximum) {
    return path + " must be at most " + number_text(*rules.maximum);
  }
  if (rules.exclusive_minimum && value <= *rules.exclusive_minimum) {
    return path + " must be more than " + number_text(*rules.exclusive_minimum);
  }
  if (rules.exclusive_maximum && value >= *rules.exclusive_maximum) {
    return path + " must be less than " + number_text(*rules.exclusive_maximum);
  }
  if (rules.multiple_of && !is_multiple(value, *rules.multiple_of)) {
    return path + " must be a multiple of " + number_text(*rules.multiple_of);
  }
  return std::nullopt;
}

Refusal refuse_string(const StringRules& rules, std::string_view raw, const std::string& path) {
  const std::string text = json_string_value(raw).value_or("");
  const std::size_t length = count_code_points(text);
  if (length < rules.length_min) {
    return path + " must have at least " + counted(rules.length_min, "character");
  }
  if (length > rules.length_max) {
    return path + " must have at most " + counted(rules.length_max, "character");
  }
  if (rules.format != nullptr && !rules.format(text)) {
    return path + " must have the format " + rules.format_name;
  }
  // JSON Schema does not anchor patterns.
  if (rules.pattern != nullptr && !re2::RE2::PartialMatch(text, *rules.pattern)) {
    return path + " must match the pattern " + rules.pattern->pattern();
  }
  return std::nullopt;
}

bool has_equal_elements(const std::vector<std::string_view>& elements) {
  std::set<std::string> seen;
  return std::ranges::any_of(elements, [&seen](std::string_view element) {
    return !seen.insert(comparable_json(element).value_or(std::string(element))).second;
  });
}

std::string element_path(std::string path, std::size_t index) {
  path += '[';
  path += std::to_string(index);
  path += ']';
  return path;
}

std::string member_path(std::string path, std::string_view name) {
  path += '.';
  path += name;
  return path;
}

Refusal refuse_array(const ArrayRules& rules, std::string_view raw, const std::string& path) {
  const auto elements = split_json_array(raw, raw.size());
  if (!elements) return path + ": " + elements.error().detail;
  if (elements->size() < rules.items_min) {
    return path + " must have at least " + counted(rules.items_min, "item");
  }
  if (elements->size() > rules.items_max) {
    return path + " must have at most " + counted(rules.items_max, "item");
  }
  for (std::size_t i = 0; rules.items != nullptr && i < elements->size(); ++i) {
    auto refusal = why_refused(*rules.items, elements->at(i), element_path(path, i));
    if (refusal) return refusal;
  }
  if (rules.unique && has_equal_elements(*elements)) return path + " must not repeat an item";
  return std::nullopt;
}

Refusal refuse_object(const ObjectRules& rules, std::string_view raw, const std::string& path) {
  const auto members = split_json_object(raw);
  if (!members) return path + ": " + members.error().detail;
  for (const std::string& name : rules.required) {
    if (find_member(*members, name) == nullptr) return member_path(path, name) + " is required";
  }
  for (const JsonMember& member : *members) {
    const auto property = rules.properties.find(member.name);
    if (property == rules.properties.end()) {
      if (rules.additional) continue;
      return path + " must not have " + json_string(member.name);
    }
    auto refusal = why_refused(*property->second, member.raw, member_path(path, member.name));
    if (refusal) return refusal;
  }
  return std::nullopt;
}

Refusal refuse_kind(const JsonSchema& schema, JsonKind kind, std::string_view raw,
                    const std::string& path) {
  switch (kind) {
    case JsonKind::Null:
    case JsonKind::Boolean:
      return std::nullopt;
    case JsonKind::Integer:
    case JsonKind::Number:
      return refuse_number(schema.number, raw, path);
    case JsonKind::String:
      return refuse_string(schema.string, raw, path);
    case JsonKind::Array:
      return refuse_array(schema.array, raw, path);
    case JsonKind::Object:
      return refuse_object(schema.object, raw, path);
  }
  return std::nullopt;
}

// `must be "a"`, `must be one of 1, 2`; long lists are cut.
std::string must_be_one_of(const std::vector<std::string>& values) {
  constexpr std::size_t kShownMax = 10;
  std::string text = values.size() == 1 ? " must be " : " must be one of ";
  for (std::size_t i = 0; i < std::min(values.size(), kShownMax); ++i) {
    if (i > 0) text += ", ";
    text += values[i];
  }
  if (values.size() > kShownMax) text += ", …";
  return text;
}

}  // namespace

JsonKind json_kind(std::string_view raw) {
  switch (raw.empty() ? '\0' : raw.front()) {
    case '{':
      return JsonKind::Object;
    case '[':
      return JsonKind::Array;
    case '"':
      return JsonKind::String;
    case 't':
    case 'f':
      return JsonKind::Boolean;
    case 'n':
      return JsonKind::Null;
    default:
      const long double value = exact_number(raw);
      return std::isfinite(value) && std::trunc(value) == value ? JsonKind::Integer
                                                                : JsonKind::Number;
  }
}

std::string_view kind_noun(JsonKind kind) {
  switch (kind) {
    case JsonKind::Null:
      return "null";
    case JsonKind::Boolean:
      return "true or false";
    case JsonKind::Integer:
      return "an integer";
    case JsonKind::Number:
      return "a number";
    case JsonKind::String:
      return "a string";
    case JsonKind::Array:
      return "an array as JSON";
    case JsonKind::Object:
      return "an object as JSON";
  }
  return "";
}

std::optional<std::string> comparable_json(std::string_view raw) {
  if (const auto integer = parse_integer(raw); integer) return std::to_string(*integer);
  auto canonical = canonical_json(raw);
  if (!canonical) return std::nullopt;
  return *std::move(canonical);
}

std::optional<std::string> why_refused(const JsonSchema& schema, std::string_view raw,
                                       const std::string& path) {
  if (!schema.any_of.empty()) {
    const bool fits = std::ranges::any_of(schema.any_of, [&](const auto& branch) {
      return !why_refused(*branch, raw, path).has_value();
    });
    return fits ? std::nullopt : std::optional(why_none_fits(schema, path));
  }
  const JsonKind kind = json_kind(raw);
  if (!admits(schema.kinds, kind)) return path + " must be " + nouns(schema.kinds);
  if (schema.allowed) {
    const auto value = comparable_json(raw);
    if (!value || std::ranges::find(*schema.allowed, *value) == schema.allowed->end()) {
      return path + must_be_one_of(*schema.allowed);
    }
  }
  return refuse_kind(schema, kind, raw, path);
}

std::string why_none_fits(const JsonSchema& schema, const std::string& path) {
  std::vector<std::string> values;
  for (const auto& branch : schema.any_of) {
    if (!branch->allowed) return path + " fits none of the forms that the schema allows";
    values.insert(values.end(), branch->allowed->begin(), branch->allowed->end());
  }
  return path + must_be_one_of(values);
}

}  // namespace tako
