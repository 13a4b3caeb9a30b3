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
// The same at a bound: `return fail_at(&LimitCounters::subject_max, ErrorCode::Unavailable, "…");`
[[nodiscard]] inline std::unexpected<Error> fail_at(LimitCounter limit, ErrorCode code,
                                                    std::string message = {}) {
  return std::unexpected(Error{.code = code, .detail = std::move(message), .limit = limit});
}

}  // namespace tako
