// AuthorizeCache: yeses of the app that may be used again, for as long as the app said.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "edge/server/authorize_call.h"

namespace tako::edge {

// SHA-256 of a call's whole body: the app, the channel, the params, the credential, the ip.
using CallKey = std::array<unsigned char, 32>;
[[nodiscard]] CallKey call_key(std::string_view body);

// Bounded: the answer that was kept first goes when there are too many.
class AuthorizeCache {
 public:
  // `ms_max`: the longest that an answer is kept, whatever the app says.
  AuthorizeCache(const Clock& clock, std::size_t answers_max, std::int64_t ms_max)
      : clock_(clock), answers_max_(answers_max), ms_max_(ms_max) {}

  // nullopt: ask the app.
  [[nodiscard]] std::optional<Grant> find(const CallKey& key);

  enum class Kept { No, Yes, YesShortened, YesInPlaceOfAnother };
  // Keeps for min(ttl_ms, time to the grant's expiry, ms_max); No when nothing is left of that.
  Kept keep(std::string_view app, const CallKey& key, const AuthorizeAnswer& answer);
  void forget_app(std::string_view app);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string app;
    CallKey key{};
    Grant grant;
    std::int64_t until_ms = 0;  // monotonic
  };
  using Entries = std::list<Entry>;
  void drop(Entries::iterator entry);

  const Clock& clock_;
  std::size_t answers_max_;
  std::int64_t ms_max_;
  Entries entries_;  // Oldest first.
  std::map<CallKey, Entries::iterator> by_key_;
};

}  // namespace tako::edge
