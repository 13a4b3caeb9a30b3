// Words and sizes.
#include "broker/presence/presence_member.h"

namespace tako::broker {
namespace {

// Tags and lengths of the item and its four fields, and the time.
constexpr std::size_t kFieldBytes = 40;

}  // namespace

std::string_view to_string(PresenceReason reason) {
  switch (reason) {
    case PresenceReason::Lost:
      return "lost";
    case PresenceReason::Left:
      return "left";
    case PresenceReason::Expired:
      return "expired";
    case PresenceReason::Revoked:
      return "revoked";
  }
  return "unknown";
}

std::size_t list_bytes(const PresenceMember& member) {
  return kFieldBytes + member.subject.size() + member.info.size() + member.data.size();
}

}  // namespace tako::broker
