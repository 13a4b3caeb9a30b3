// Decodes queries, prints values.
#include "common/params.h"

#include <algorithm>
#include <ranges>

#include "common/channel_name.h"
#include "common/json_number.h"
#include "common/json_text.h"
#include "common/limits.h"

namespace tako {
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

// application/x-www-form-urlencoded: `+` is a space, `%2B` a plus.
Result<std::string> decode_query_text(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  auto decoded = percent_decode(spaced);
  if (!decoded) {
    return fail(ErrorCode::ParamsInvalid, "invalid channel params: " + decoded.error().detail);
  }
  return decoded;
}

std::string number_text(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

}  // namespace

Result<std::vector<QueryPair>> split_query(std::string_view raw_query) {
  std::vector<QueryPair> pairs;
  for (const auto part : std::views::split(raw_query, '&')) {
    const std::string_view pair(part.begin(), part.end());
    if (pair.empty()) continue;  // `a=1&&b=2`, a trailing `&`
    if (pairs.size() == limits::kQueryPairsMax) {
      return fail_at(
          &LimitCounters::query_pairs_max, ErrorCode::ParamsInvalid,
          "invalid channel params: more than " + std::to_string(limits::kQueryPairsMax) + " pairs");
    }
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode_query_text(pair.substr(0, equals));
    if (!name) return std::unexpected(name.error());
    if (name->find('\0') != std::string::npos) {
      return fail(ErrorCode::ParamsInvalid, "invalid channel params: a name that holds U+0000");
    }
    auto value = decode_query_text(pair.substr(std::min(equals + 1, pair.size())));
    if (!value) return std::unexpected(value.error());
    pairs.push_back({.name = std::move(*name), .value = std::move(*value)});
  }
  return pairs;
}

std::map<std::string, std::string, std::less<>> params_text(const std::vector<QueryPair>& pairs) {
  std::map<std::string, std::string, std::less<>> text;
  for (const QueryPair& pair : pairs) {
    if (is_reserved_param(pair.name)) continue;
    text.insert_or_assign(pair.name, pair.value);
  }
  return text;
}

bool is_reserved_param(std::string_view name) {
  return name.starts_with('_') || name == "last_message_id";
}

const std::string* query_value(const std::vector<QueryPair>& pairs, std::string_view name) {
  const auto backwards = pairs | std::views::reverse;
  const auto found = std::ranges::find(backwards, name, &QueryPair::name);
  return found == backwards.end() ? nullptr : &found->value;
}

std::string canonical_text(const ParamValue& value) {
  return std::visit(Overloaded{[](const std::string& text) { return text; },
                               [](std::int64_t number) { return std::to_string(number); },
                               [](double number) { return number_text(number); },
                               [](bool flag) { return std::string(flag ? "true" : "false"); },
                               [](const JsonValue& json) { return json.canonical; }},
                    value);
}

std::string params_json(const Params& params) {
  std::string out = "{";
  for (const auto& [name, value] : params) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    if (const auto* text = std::get_if<std::string>(&value); text != nullptr) {
      append_json_string(out, *text);
    } else {
      out += canonical_text(value);
    }
  }
  out += '}';
  return out;
}

}  // namespace tako
