// Versions of the link's protocol (proto/link.proto): which both ends speak, and how to say that
// none is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tako::ipc {

struct LinkVersions {
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool operator==(const LinkVersions&) const = default;
};

// What this program speaks. A new version raises `max`, and `min` only when the one before has been
// in a release: so neighbours in version meet. What a peer can ignore (an item, a field) needs
// none.
inline constexpr LinkVersions kLinkVersions{.min = 1, .max = 2};

// The newest that both speak; nullopt: none. A range that is none (0, or upside down) meets nobody.
[[nodiscard]] std::optional<std::uint32_t> meet(LinkVersions ours, LinkVersions theirs);

// "1", "1 to 2"
[[nodiscard]] std::string to_string(LinkVersions versions);

// One end of a link, for people.
struct LinkParty {
  std::string_view role;     // "edge", "broker"
  std::string_view program;  // its version; "" when it doesn't say
  LinkVersions versions;
};
// Why they don't meet, and which of them to upgrade.
[[nodiscard]] std::string describe_no_meeting(const LinkParty& one, const LinkParty& other);

}  // namespace tako::ipc
