// QuietHeads: heads of streams that hold no messages any more, remembered for a while.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/position.h"

namespace tako::broker {

// Where an engine with a disk has written a state (a packed Place; 0: nowhere), and how much it is.
struct StatedAt {
  std::uint64_t place = 0;
  std::uint32_t bytes = 0;
};

struct QuietHead {
  Position head;
  std::vector<EpochEnd> older_epochs;
  StatedAt stated_at = {};
};

// Bounded in number by the caller, and each in time. What is dropped here is forgotten for good:
// the caller then must not give the stream's old epoch to anybody.
class QuietHeads {
 public:
  void remember(std::string_view key, QuietHead head, std::int64_t expires_ms);
  [[nodiscard]] const QuietHead* find(std::string_view key) const;
  [[nodiscard]] QuietHead* find(std::string_view key);
  // When it is due; of one that is remembered.
  [[nodiscard]] std::int64_t expires_ms(std::string_view key) const;
  // Of those whose stated_at is in this slot (place.h). Goes through all.
  [[nodiscard]] std::vector<std::string> keys_in(std::uint32_t slot) const;
  // Takes it out: the stream is used again.
  [[nodiscard]] std::optional<QuietHead> take(std::string_view key);

  // Drops the one that expires first, and gives it; nullopt when there is none.
  std::optional<QuietHead> drop_first();
  // Drops the first if it is due.
  std::optional<QuietHead> drop_first_due(std::int64_t now_ms);
  [[nodiscard]] std::size_t size() const { return heads_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>{}(key);
    }
  };
  // The node of `heads_` owns the key; std::unordered_map never moves its nodes.
  using ByExpiry = std::multimap<std::int64_t, const std::string*>;
  struct Remembered {
    QuietHead head;
    ByExpiry::iterator expiry;
  };

  std::unordered_map<std::string, Remembered, Hash, std::equal_to<>> heads_;
  ByExpiry by_expiry_;
};

}  // namespace tako::broker
