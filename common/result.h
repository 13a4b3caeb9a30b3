// Result<T>: a value, or the Error that says why there is none.
#pragma once

#include <expected>

#include "common/error.h"

namespace tako {

template <typename T>
using Result = std::expected<T, Error>;

// Shorthand for returning a failure: `return fail(ErrorCode::CursorMalformed, "…");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code) {
  return std::unexpected(Error{code});
}
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace tako
