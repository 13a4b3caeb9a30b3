// Presence as edge and broker speak of it: members, versions and changes of a channel's list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/position.h"
#include "common/result.h"
#include "edge/fanout/message.h"

namespace tako::edge {

// Rises by one with each change of a channel's list; two compare within one epoch only.
struct PresenceVersion {
  std::uint64_t number = 0;
  Epoch epoch;
  friend bool operator==(const PresenceVersion&, const PresenceVersion&) = default;
};
// `<number>-<epoch>`, as message ids are.
[[nodiscard]] inline std::string to_string(const PresenceVersion& version) {
  return to_string(Position{version.number, version.epoch});
}

struct PresenceMember {
  std::string subject = {};
  std::string info = {};      // JSON, from the app; empty: none
  std::string data = {};      // JSON, from the client; empty: none
  std::int64_t since_ms = 0;  // wall, when it entered
  friend bool operator==(const PresenceMember&, const PresenceMember&) = default;
};

// Why a client is not listed any more. Lost: it may come back, so its grace window begins.
// By the numbers of proto/link.proto.
enum class PresenceEnd : std::uint8_t { Lost, Left, Expired, Revoked };
[[nodiscard]] std::string_view to_string(PresenceEnd end);

enum class PresenceAction : std::uint8_t { Enter, Update, Leave };
[[nodiscard]] std::string_view to_string(PresenceAction action);

struct PresenceChange {
  PresenceAction action = PresenceAction::Enter;
  PresenceMember member = {};              // of one that left: its subject
  PresenceEnd reason = PresenceEnd::Lost;  // of one that left
  friend bool operator==(const PresenceChange&, const PresenceChange&) = default;
};

// ---- What the broker says.
struct MemberList {
  PresenceVersion version;
  std::vector<PresenceMember> members;
};
struct PresenceChanges {
  PresenceVersion after;  // applies to the list of this version
  PresenceVersion version;
  std::vector<PresenceChange> changes;
};
struct PresenceCounts {
  std::uint32_t connections = 0;  // over all edges
  std::uint32_t subjects = 0;
  friend bool operator==(const PresenceCounts&, const PresenceCounts&) = default;
};
struct PresenceRefusal {  // this session is not listed
  std::uint64_t session = 0;
  Error error;
};
using PresenceNews = std::variant<MemberList, PresenceChanges, PresenceCounts, PresenceRefusal>;

// ---- What the edge says.
struct PresenceReport {
  std::uint32_t connections = 0;  // clients here, listed or not
  bool wants_list = false;
  bool wants_counts = false;
  friend bool operator==(const PresenceReport&, const PresenceReport&) = default;
};
// A client that is listed. Views of what its session holds.
struct PresenceListing {
  std::string_view subject = {};
  std::string_view info = {};
  std::string_view data = {};
  std::int64_t data_set_ms = 0;  // wall, when the client said it
};

}  // namespace tako::edge
