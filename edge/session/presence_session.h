// PresenceSession: a subscription's part in its channel's presence: what it may be of what it asked
// for, and what it says of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/definition.h"
#include "edge/fanout/presence_subscriber.h"
#include "edge/session/authorizer.h"
#include "edge/session/services.h"

namespace tako::proto {
class PresenceRecord;
}

namespace tako::edge {

// What a client asks of its channel's presence.
struct PresenceRequest {
  PresenceWish wish = PresenceWish::Nothing;
  bool enters = true;                       // false: listed only once it says so
  std::string data = {};                    // minified JSON; empty: none
  std::int64_t data_set_ms = 0;             // wall, when it said so; 0: just now
  std::optional<PresenceVersion> has = {};  // the list that it holds
};

// Whether a channel's clients are counted at all.
[[nodiscard]] bool counts_presence(const Definition& definition);
// Errors: PayloadTooLarge, with the bound that it met.
[[nodiscard]] Result<void> check_presence_data(const Definition& definition, std::string_view data);

class PresenceSession final : private PresenceSubscriber {
 public:
  class Observer {
   public:
    virtual ~Observer() = default;
    // It is not listed; enter() may be tried again.
    virtual void on_presence_refused(const Error& error) = 0;
  };

  // `grant` is the subscription's, and may change before on_granted_again().
  PresenceSession(EdgeServices& services, Observer& observer, const Grant& grant,
                  const Definition& definition, WireForm form, PresenceRequest request);

  // Counted from now on, and listed if it may be and wants to.
  void open(const ChannelIdentity& channel);
  void set_sink(FrameSink* sink) { PresenceSubscriber::set_sink(sink); }
  void pump() { PresenceSubscriber::pump(); }
  void end(PresenceEnd reason) { leave(reason); }

  // What it is told; List becomes Counts where the definition has no more.
  [[nodiscard]] PresenceWish told_as() const { return told_as_; }
  // What the client says. Errors: PresenceOff, Forbidden, PayloadTooLarge. `data` is minified JSON;
  // without, what it said before holds.
  [[nodiscard]] Result<void> say_enter(std::optional<std::string> data);
  [[nodiscard]] Result<void> say_update(std::string data);
  [[nodiscard]] Result<void> say_leave();

  void on_granted_again();
  // The definition is another one, by which clients still are counted.
  void on_definition_changed(const Definition& definition);

  // The handoff (presence_session_record.cc).
  void save(proto::PresenceRecord& record) const;
  [[nodiscard]] static PresenceRequest restored_request(const proto::PresenceRecord& record);
  static void save_request(const PresenceRequest& request, proto::PresenceRecord& record);

 private:
  [[nodiscard]] PresenceListing listing() const override;
  void on_presence_refused(const Error& error) override;
  [[nodiscard]] bool may_be_listed() const;
  [[nodiscard]] PresenceWish allowed_wish() const;
  // Errors: PresenceOff, Forbidden.
  [[nodiscard]] Result<void> check_listing() const;
  void list();
  void set_data(std::string data);

  EdgeServices& services_;
  Observer& observer_;
  const Grant& grant_;
  std::optional<PresenceRule> rule_;
  WireForm form_;
  PresenceRequest request_;
  PresenceWish told_as_;
};

}  // namespace tako::edge
