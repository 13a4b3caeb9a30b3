// Checks and types params by the JSON Schema subset that TypeBox emits for flat query objects.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/params.h"
#include "common/result.h"

namespace tako {

// Supported: type object with properties/required/additionalProperties (false or absent/true);
// property types string (minLength, maxLength, pattern by RE2, format: date, time, date-time,
// email, uuid, uri, ipv4, ipv6, hostname; enum, const), integer and number (minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf, enum, const), boolean, arrays and objects given
// as JSON text (items, minItems, maxItems, uniqueItems, nested properties), anyOf of consts
// (literals), default, title, description, $id, and TypeBox's own symbols-free annotations.
// Anything else is refused by name when the definition is put: a rule that is not checked would be
// a rule that the app believes in.
class ParamsSchema {
 public:
  // Compiles. Errors: DefinitionInvalid, the text names the keyword and where it stands.
  [[nodiscard]] static Result<std::shared_ptr<const ParamsSchema>> compile(
      std::string_view schema_json);
  // The schema of a definition that has none: any params pass as strings; none are declared.
  [[nodiscard]] static std::shared_ptr<const ParamsSchema> any();

  ParamsSchema(const ParamsSchema&) = delete;
  ParamsSchema& operator=(const ParamsSchema&) = delete;
  virtual ~ParamsSchema() = default;

  // Types query text by the declared type, then validates. Undeclared params pass as strings unless
  // additionalProperties is false. Errors: ParamsInvalid, detail `invalid channel params: <why>`.
  [[nodiscard]] virtual Result<Params> check_text(
      const std::map<std::string, std::string, std::less<>>& text) const = 0;
  // The same for params given as a JSON object (rich dialect, batch publish): values keep their
  // JSON types, and are not coerced.
  [[nodiscard]] virtual Result<Params> check_json(std::string_view params_object_json) const = 0;
  [[nodiscard]] virtual bool declares(std::string_view name) const = 0;

 protected:
  ParamsSchema() = default;
};

}  // namespace tako
