// The authorize callback as text: the body that the app gets, and what its answer means; no
// sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "edge/session/authorizer.h"

namespace tako::edge {

// {"app","channel","operation","params","header"?,"cookie"?,"ip"}, always in this order: equal
// calls are equal bytes.
[[nodiscard]] std::string make_authorize_body(const AuthorizeCall& call);

struct AuthorizeAnswer {
  Grant grant;
  std::int64_t ttl_ms = 0;  // the app lets equal calls be answered by this one for so long
};

// Errors: VerifyRejected (`ok` is not true, 401, 403, an expiry in the past), ChannelUnknown (404),
// Unavailable (any other status, or a body that is not what the protocol says).
[[nodiscard]] Result<AuthorizeAnswer> read_authorize_answer(int status, std::string_view body,
                                                            std::int64_t wall_ms);

}  // namespace tako::edge
