// LiveChange: what new definitions mean for a subscription that is live.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/definition.h"

namespace tako {

enum class LiveChange : std::uint8_t {
  Same,           // goes on; windows, lifetimes and policies of the new definition apply
  Removed,        // no definition covers the channel: 4404
  ParamsInvalid,  // the new schema refuses its params: 4422
  KeyChanged,     // the same params name another channel now: 1012, the client comes back
  AuthChanged,    // other credentials count now: authorize again
};

// Judges one subscription. `before` and `after` cover `name` in the old and the new set (find());
// `params` are all of its params, context ones too, as `before` typed them. A `before` that is not
// known any more is nullptr: then only a reconnect is safe (KeyChanged). Of several changes the one
// that ends more is told; what a reconnect settles anyway (AuthChanged) comes last.
[[nodiscard]] LiveChange judge_live(const Definition* before, const Definition* after,
                                    std::string_view name, const Params& params);

}  // namespace tako
