// Checks and types params by the JSON Schema subset that TypeBox emits for flat query objects.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/params.h"
#include "common/result.h"

namespace tako {

// The top is `type: "object"` with properties, required and additionalProperties (true or false).
// Below it: string (minLength, maxLength in code points, pattern by RE2 and unanchored, format of
// json_format.h), integer (64 bits) and number (minimum, maximum, exclusiveMinimum,
// exclusiveMaximum, multipleOf), boolean, null, arrays (items, minItems, maxItems, uniqueItems) and
// objects (as the top) given as JSON text, lists of types, enum, const, anyOf. Annotations
// ($id, $schema, $comment, title, description, examples, readOnly, writeOnly, deprecated, default)
// are taken and do nothing: a default is not filled in. Anything else is refused by name when the
// definition is put: a rule that is not checked would be a rule that the app believes in.
//
// Where a property takes several types, the canonical text decides: the first type or branch that
// takes it. So one key stands for one value, however it was given.
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
  // JSON types and are not coerced (but for the rule above). A null counts as absent. At most
  // kQueryPairsMax members; reserved names (params.h) are refused.
  [[nodiscard]] virtual Result<Params> check_json(std::string_view params_object_json) const = 0;
  [[nodiscard]] virtual bool declares(std::string_view name) const = 0;
  // Compiled patterns in it; the set of definitions bounds their sum.
  [[nodiscard]] virtual std::size_t pattern_count() const = 0;

 protected:
  ParamsSchema() = default;
};

}  // namespace tako
