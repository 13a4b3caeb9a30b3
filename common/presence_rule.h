// PresenceRule: how a definition's channels know who is in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/limits.h"
#include "common/result.h"

namespace tako {

enum class PresenceList : std::uint8_t {
  Members,  // who is there, and each change
  Counts,   // how many only: for rooms where a list would be too much for everybody
};

// Of a definition with `presence`. Without it nobody is counted or listed.
struct PresenceRule {
  PresenceList list = PresenceList::Members;
  std::int64_t grace_ms = 5'000;  // whoever is back within it never left
  std::int64_t batch_ms = 100;    // changes of so long are told together
  std::size_t members_max = limits::kPresenceMembersDefault;  // more are told that it is full
  std::size_t data_bytes_max = limits::kPresenceDataDefault;  // of one member's data, and of info

  friend bool operator==(const PresenceRule&, const PresenceRule&) = default;
};

// `raw`: false (nullopt), true, or {"list"?,"graceMs"?,"batchMs"?,"membersMax"?,"dataBytesMax"?}.
// Errors: DefinitionInvalid, naming the member. `skips_unknown`: for what a newer version wrote.
[[nodiscard]] Result<std::optional<PresenceRule>> parse_presence_rule(std::string_view raw,
                                                                      bool skips_unknown);
// As parse_presence_rule() takes it, canonical.
[[nodiscard]] std::string to_json(const std::optional<PresenceRule>& rule);

}  // namespace tako
