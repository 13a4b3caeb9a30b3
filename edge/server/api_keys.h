// App keys: who may call the app API through an edge, and how often one address may guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/clock.h"
#include "common/config/config.h"

namespace tako::edge {

// Is `authorization` (the header's value) `Bearer <key>:<secret>` of one of the pairs? Every pair
// is compared in full, in a time that does not depend on where a guess goes wrong.
[[nodiscard]] bool is_app_key(std::string_view authorization,
                              const std::vector<config::AppKey>& keys);

// Counts failures per address in windows of a minute. Bounded: the address that failed first goes
// when a new one needs its place, so an attacker with many addresses forgets himself, not others'
// blocks that matter.
class KeyFailures {
 public:
  static constexpr std::int64_t kWindowMs = 60'000;
  static constexpr std::size_t kAddressesMax = 10'000;

  KeyFailures(const Clock& clock, std::size_t failures_max)
      : clock_(clock), failures_max_(failures_max) {}

  // Milliseconds until the address may try again; 0: now.
  [[nodiscard]] std::int64_t blocked_for_ms(std::string_view ip) const;
  void note(std::string_view ip);
  [[nodiscard]] std::size_t addresses() const noexcept { return by_address_.size(); }

 private:
  struct Entry {
    std::string address;
    std::int64_t began_ms = 0;
    std::size_t failures = 0;
  };
  [[nodiscard]] static std::string address_of(std::string_view ip);
  [[nodiscard]] bool is_current(const Entry& entry) const;

  const Clock& clock_;
  std::size_t failures_max_;
  std::list<Entry> entries_;  // By began_ms, oldest first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_address_;
};

}  // namespace tako::edge
