// Revoker: takes permissions back for the app, and waits until the edges have.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "broker/channel/control_stream.h"
#include "broker/state/state_store.h"
#include "common/clock.h"
#include "common/result.h"

namespace tako::broker {

// What the app asks for. The words of Revocation.
struct RevokeOrder {
  std::string app;
  std::string subject = {};
  std::string name = {};
  std::string key = {};
  bool reauthorize = false;
  std::optional<std::int64_t> ban_ms = {};  // 0: lifts, and ends nothing
  std::string reason = {};
};

class Revoker {
 public:
  using OnRevoked = std::function<void(Result<ControlOutcome>)>;

  // `clock`: one that does not stand still within a turn of the loop: whoever was granted something
  // before this call is to be met, however late in the turn it comes. All outlive this.
  // `on_revoke` hears of each revocation that ends something, before the edges have.
  using OnRevoke = std::function<void(const Revocation&)>;
  Revoker(ControlStream& control, StateStore& state, const Clock& clock, OnRevoke on_revoke = {})
      : control_(control), state_(state), clock_(clock), on_revoke_(std::move(on_revoke)) {}

  // Answers when every linked edge has applied it, or after revocation_apply_wait_ms with those
  // that have not; and when it is written, so that a broker that is killed then knows of it
  // afterwards (a disk that can't be written is no reason to refuse). Errors, at once: LimitReached
  // (bans_max).
  void revoke(RevokeOrder order, OnRevoked on_revoked);

 private:
  ControlStream& control_;
  StateStore& state_;
  const Clock& clock_;
  OnRevoke on_revoke_;
};

}  // namespace tako::broker
