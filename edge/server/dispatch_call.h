// The dispatch callback as text: the body that the app gets, and what its answer means; no sockets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/limit_counters.h"
#include "common/result.h"
#include "edge/session/dispatcher.h"

namespace tako::edge {

// {"app","channel","params","subject"?,"type","data","idempotencyKey"?,"ip"}.
[[nodiscard]] std::string make_dispatch_body(const DispatchCall& call);

// `data_bytes_max`: of what the app makes of the message. A reason that is too long is cut, and
// counted. Errors: Unavailable (any status but 200, or a body that is not what the protocol says).
[[nodiscard]] Result<DispatchAnswer> read_dispatch_answer(int status, std::string_view body,
                                                          std::size_t data_bytes_max,
                                                          LimitCounters& limit_counters);

}  // namespace tako::edge
