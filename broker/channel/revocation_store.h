// RevocationStore: what is taken back, and who is banned, in the broker's durable state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/channel/revocation_keeper.h"
#include "broker/state/state_store.h"
#include "common/clock.h"

namespace tako::broker {

// What an earlier broker has kept.
struct KeptRevocations {
  std::uint64_t stream = 0;  // its control stream; 0: there was none
  struct Passed {
    std::string app;
    std::uint64_t number = 0;  // in that stream
    std::int64_t at_ms = 0;
  };
  std::vector<Passed> passed;           // see RevocationKeeper::pass_over
  std::vector<Revocation> revocations;  // in their order
};

// Rows: revocation/stream, revocation/at/<number>, revocation/passed/<app>.
class RevocationStore final : public RevocationKeeper {
 public:
  // `boot`: names the run of the machine, whose monotonic clock the times are of. `state` outlives
  // this.
  RevocationStore(StateStore& state, std::string boot) : state_(state), boot_(std::move(boot)) {}

  // Once, at the start: takes all rows out, and begins those of `stream`. Of another run of the
  // machine only bans are left: nobody has a permission of before.
  [[nodiscard]] KeptRevocations restore(std::uint64_t stream, std::int64_t wall_ms);

  void keep(std::uint64_t number, const Revocation& revocation) override;
  void forget(std::uint64_t number) override;
  void pass_over(const std::string& app, std::uint64_t number, std::int64_t at_ms) override;

 private:
  StateStore& state_;
  std::string boot_;
};

// The machine's, from the kernel; "" when it does not say.
[[nodiscard]] std::string machine_boot_id();

}  // namespace tako::broker
