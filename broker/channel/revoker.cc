// Turns an order into a change of the control stream.
#include "broker/channel/revoker.h"

#include <utility>

namespace tako::broker {
namespace {

constexpr std::int64_t kLifted = 1;  // wall: in 1970

}  // namespace

void Revoker::revoke(RevokeOrder order, OnRevoked on_revoked) {
  Revocation revocation{.app = std::move(order.app),
                        .subject = std::move(order.subject),
                        .name = std::move(order.name),
                        .key = std::move(order.key),
                        .reauthorize = order.reauthorize,
                        .at_ms = clock_.monotonic_ms(),
                        .reason = std::move(order.reason)};
  const bool is_lift = order.ban_ms == 0;
  if (order.ban_ms && !is_lift && !control_.takes_ban(ban_scope(revocation))) {
    return on_revoked(fail(ErrorCode::LimitReached, "too many subjects are banned"));
  }
  if (order.ban_ms) revocation.banned_until_ms = clock_.wall_ms() + *order.ban_ms;
  if (is_lift) {
    revocation.at_ms = 0;
    revocation.banned_until_ms = kLifted;
  }
  const bool ends = revocation.at_ms != 0 && !revocation.reauthorize;
  if (ends && on_revoke_) on_revoke_(revocation);
  const auto answer = [&state = state_,
                       on_revoked = std::move(on_revoked)](const ControlOutcome& outcome) {
    state.when_written(
        [on_revoked, outcome](const Result<void>& /*written*/) { on_revoked(outcome); });
  };
  control_.wait_revoked(control_.append(std::move(revocation)), answer);
}

}  // namespace tako::broker
