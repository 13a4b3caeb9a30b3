// GuardedAuthorizer: between whoever asks the app and its answers: what was taken back while the
// app was asked does not count, and who is banned is refused.
#pragma once

#include <memory>
#include <string_view>

#include "common/clock.h"
#include "edge/session/authorizer.h"
#include "edge/session/revocation_book.h"

namespace tako::edge {

class GuardedAuthorizer final : public Authorizer {
 public:
  // All outlive it. Errors beside those of `inner`: Revoked, of a ban.
  GuardedAuthorizer(Authorizer& inner, const RevocationBook& book, const Clock& clock)
      : inner_(inner), book_(book), clock_(clock) {}

  [[nodiscard]] std::unique_ptr<Ticket> authorize(AuthorizeCall call, Reply reply) override;
  void forget_app(std::string_view app) override { inner_.forget_app(app); }

 private:
  class Question;

  Authorizer& inner_;
  const RevocationBook& book_;
  const Clock& clock_;
};

}  // namespace tako::edge
