// PresenceMember: somebody who is in a channel; PresenceChange: what happened to the list of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/position.h"

namespace tako::broker {

// Immutable: the list, the recent changes and what is told share it.
struct PresenceMember {
  std::string subject;
  std::string info = {};         // JSON, from the app; empty: none
  std::string data = {};         // JSON, from the client; empty: none
  std::int64_t since_ms = 0;     // wall, when it entered
  std::int64_t data_set_ms = 0;  // wall, when the client said it; 0: it said none
};
using PresenceMemberPtr = std::shared_ptr<const PresenceMember>;

enum class PresenceAction : std::uint8_t { Enter, Update, Leave };
enum class PresenceReason : std::uint8_t { Lost, Left, Expired, Revoked };
// The numbers of both are link.proto's. The words are those of the protocol.
[[nodiscard]] std::string_view to_string(PresenceReason reason);

struct PresenceChange {
  PresenceAction action = PresenceAction::Enter;
  PresenceMemberPtr member;                      // of one that left: the subject alone
  PresenceReason reason = PresenceReason::Lost;  // of one that left
};

// `<number>-<epoch>`, printed as positions are; the number (offset) rises by one with each change.
using PresenceVersion = Position;

// What it takes of a list on the link, at most.
[[nodiscard]] std::size_t list_bytes(const PresenceMember& member);

}  // namespace tako::broker
