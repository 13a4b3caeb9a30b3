// Permission: what the app granted of one subscription, until when, and what is to be done before.
#pragma once

#include <cstdint>

#include "edge/session/authorizer.h"

namespace tako::proto {
class SubscriptionRecord;
}

namespace tako::edge {

// Times are monotonic ms: the wall clock may jump. Pure.
//
//   granted ────── half-way, at most 30 s before the end ──────▶ end
//                  │ client can answer: AskClient ── half of what is left ──▶ AskApp
//                  │ else: AskApp
//                  └ no answer of the app: AskApp, half of what is left later
class Permission {
 public:
  enum class Step : std::uint8_t {
    Nothing,
    AskClient,  // for a new credential
    AskApp,     // with the credential at hand
    Expire,
  };

  void grant(Grant grant, std::int64_t now_ms, bool can_ask_client);
  // Of a public channel: allowed since `now_ms`.
  void open(std::int64_t now_ms) { grant_.asked_ms = now_ms; }
  // The app did not answer; or said no to a credential whose time is not over.
  void on_unanswered(std::int64_t now_ms);
  void on_refused() { next_ = Step::Expire; }

  [[nodiscard]] const Grant& granted() const { return grant_; }
  [[nodiscard]] std::int64_t asked_ms() const { return grant_.asked_ms; }
  // 0: it does not end.
  [[nodiscard]] std::int64_t expires_ms() const { return grant_.expires_ms; }
  // When take_step() is to be called; 0: never.
  [[nodiscard]] std::int64_t due_ms() const;
  // What is due now; it is not due again.
  [[nodiscard]] Step take_step(std::int64_t now_ms);
  // A new credential was asked for, and none has come.
  [[nodiscard]] bool awaits_client() const { return awaits_client_; }
  // It has: the app is being asked.
  void on_client_answered();

  // The handoff. `now_ms`: for a record of a version that did not save all of it.
  void save(proto::SubscriptionRecord& record) const;
  void restore(const proto::SubscriptionRecord& record, std::int64_t now_ms, std::int64_t wall_ms);

 private:
  Grant grant_;
  Step next_ = Step::Nothing;  // while it ends at all: what is due at next_ms_, or Expire
  bool awaits_client_ = false;
  std::int64_t next_ms_ = 0;
};

}  // namespace tako::edge
