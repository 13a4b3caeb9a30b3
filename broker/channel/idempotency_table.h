// IdempotencyTable: which keys were used on a channel inside its window, and for what.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string_view>
#include <vector>

#include "broker/log/log_engine.h"
#include "common/position.h"
#include "common/result.h"

namespace tako::broker {

// Of the pieces, each preceded by its length, so that no two lists of pieces collide.
[[nodiscard]] Digest digest_of(const std::vector<std::string_view>& pieces);

// Keys live as long as the channel's window, in the order of their first use; bounded by the
// caller.
class IdempotencyTable {
 public:
  // What happened to the first message under this key, once that is known.
  using OnFirstDone = std::function<void(const Result<Position>&)>;

  enum class Use : std::uint8_t { First, Repeated, InFlight, Reused };
  struct Looked {
    Use use = Use::First;
    Position position = {};  // Repeated: of the first message
  };

  // First: the caller appends, then calls done(). InFlight: `wait()`. Reused: with another body.
  [[nodiscard]] Looked look(const Digest& key, const Digest& body) const;
  void begin(const Digest& key, const Digest& body, std::int64_t now_ms);
  void wait(const Digest& key, OnFirstDone on_done);
  // A key that an earlier process took; in the order of their use, before any other.
  void restore(const RecoveredKey& key);
  // Keeps the key with its position, or on an error frees it; then tells those who wait.
  void done(const Digest& key, const Result<Position>& outcome);

  // Drops keys that were first used at `oldest_ms` or earlier, as messages leave their window;
  // those in flight stay. Returns how many.
  std::size_t expire(std::int64_t oldest_ms);
  [[nodiscard]] std::size_t size() const { return by_key_.size(); }

 private:
  struct Entry {
    Digest key{};
    Digest body{};
    Position position = {};
    std::int64_t first_used_ms = 0;
    bool in_flight = true;
    std::vector<OnFirstDone> waiting = {};
  };
  using Entries = std::list<Entry>;  // in the order of first use

  Entries entries_;
  std::map<Digest, Entries::iterator> by_key_;
};

}  // namespace tako::broker
