// Params by schema: whatever the schema, two queries and a JSON object say, one key is one value.
//
// Input: lines of a schema, a query, another query, a JSON object.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/channel_name.h"
#include "common/check.h"
#include "common/json_text.h"
#include "common/params_schema.h"

namespace {

using tako::Params;
using tako::ParamsSchema;

std::array<std::string_view, 4> split_lines(std::string_view input) {
  std::array<std::string_view, 4> lines;
  for (std::string_view& line : lines) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  return lines;
}

Params declared_of(const ParamsSchema& schema, const Params& params) {
  Params declared;
  for (const auto& [name, value] : params) {
    if (schema.declares(name)) declared.emplace(name, value);
  }
  return declared;
}

// What was accepted is accepted again, as text and as JSON, and is the same.
void check_stable(const ParamsSchema& schema, const Params& params) {
  TAKO_CHECK(tako::check_json(tako::params_json(params)).has_value());
  const Params declared = declared_of(schema, params);
  std::map<std::string, std::string, std::less<>> text;
  for (const auto& [name, value] : params) text.emplace(name, tako::canonical_text(value));
  const auto from_text = schema.check_text(text);
  TAKO_CHECK(from_text.has_value());
  TAKO_CHECK(declared_of(schema, *from_text) == declared);
  const auto from_json = schema.check_json(tako::params_json(params));
  TAKO_CHECK(from_json.has_value());
  TAKO_CHECK(*from_json == params);
}

tako::Result<Params> params_of_query(const ParamsSchema& schema, std::string_view query) {
  const auto pairs = tako::split_query(query);
  if (!pairs) return std::unexpected(pairs.error());
  return schema.check_text(tako::params_text(*pairs));
}

void check_told(const tako::Error& error) {
  TAKO_CHECK(error.code == tako::ErrorCode::ParamsInvalid);
  TAKO_CHECK(error.detail.starts_with("invalid channel params: "));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = split_lines({reinterpret_cast<const char*>(data), size});
  const auto schema = ParamsSchema::compile(lines[0]);
  if (!schema) {
    TAKO_CHECK(schema.error().code == tako::ErrorCode::DefinitionInvalid);
    return 0;
  }
  std::array<tako::Result<Params>, 3> results = {params_of_query(**schema, lines[1]),
                                                 params_of_query(**schema, lines[2]),
                                                 (*schema)->check_json(lines[3])};
  for (const auto& params : results) {
    if (!params) {
      check_told(params.error());
      continue;
    }
    check_stable(**schema, *params);
    const Params declared = declared_of(**schema, *params);
    const std::string key = tako::make_channel_key("c", declared);
    for (const auto& other : results) {
      if (!other) continue;
      const Params other_declared = declared_of(**schema, *other);
      const bool same_key = tako::make_channel_key("c", other_declared) == key;
      TAKO_CHECK(same_key == (other_declared == declared));
    }
  }
  return 0;
}
