// First the book, for what is on its way; then what is live.
#include "edge/session/revocations.h"

namespace tako::edge {

std::uint32_t Revocations::apply(const Revocation& revocation) {
  book_.add(revocation);
  if (revocation.at_ms == 0) return 0;
  authorizer_.forget_app(revocation.app);
  if (on_taking_back_) on_taking_back_(revocation.app);
  std::uint32_t met = 0;
  if (revocation.subject.empty()) {
    hub_.for_each_subscriber(revocation, [&](Subscriber& subscriber) {
      if (subscriber.on_revoked(revocation)) ++met;
    });
    return met;
  }
  subjects_.for_each(revocation.app, revocation.subject, [&](SubjectIndex::Member& member) {
    if (static_cast<Revocable&>(member).take_back(revocation)) ++met;
  });
  return met;
}

}  // namespace tako::edge
