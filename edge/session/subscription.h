// Subscription: a session's interest in one channel, from the app's permission to its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "edge/fanout/subscriber.h"
#include "edge/session/channel_access.h"
#include "edge/session/permission.h"
#include "edge/session/presence_session.h"
#include "edge/session/services.h"
#include "edge/session/subscription_state.h"

namespace tako::proto {
class SubscriptionRecord;
}

namespace tako::edge {

class Subscription;

// The session around it. A subscription may be destroyed within on_subscribed, not in the others.
class SubscriptionOwner {
 public:
  virtual ~SubscriptionOwner() = default;
  // It stands. With a `gap`, a protocol that cannot go on behind one calls end().
  virtual void on_subscribed(Subscription& subscription, const Start& start) = 0;
  virtual void on_gap(Subscription& subscription, const Gap& gap) = 0;
  // Refused, taken back, too slow, or not served any more; it is off already.
  virtual void on_ended(Subscription& subscription, const Error& error) = 0;
  // The app was asked again: what it grants, and when something is due, may have changed.
  virtual void on_granted_again(Subscription& /*subscription*/) {}
  // It is not listed among the channel's members (PresenceFull, PayloadTooLarge); it stands.
  virtual void on_presence_refused(Subscription& /*subscription*/, const Error& /*error*/) {}
  // The permission ends soon: a new credential is asked of the client, for reauthorize(). Only for
  // those that can_answer.
  virtual void on_credential_wanted(Subscription& /*subscription*/, std::int64_t /*before_ms*/) {}
  // For echo:false; see Subscriber.
  [[nodiscard]] virtual bool is_connection(std::string_view /*id*/) const { return false; }
  virtual void on_own_passed(Subscription& /*subscription*/, std::uint64_t /*offset*/) {}
};

// The client may no longer have what it was granted: what is queued for it does not leave either.
[[nodiscard]] bool takes_back(ErrorCode code);

struct SubscriptionRequest {
  ChannelCall call;
  ChannelTarget target;  // of the call
  Credentials credentials;
  Operation operation = Operation::Subscribe;
  std::optional<Cursor> cursor;
  Rewind rewind = {};  // without a cursor
  WireForm form = WireForm::WsPlain;
  PresenceRequest presence = {};
};

// What a record of a subscription leaves to whoever restores it.
struct RestoreAs {
  Operation operation = Operation::Subscribe;
  WireForm form = WireForm::WsPlain;
};

class Subscription final : private Subscriber,
                           private DefinitionsWatcher,
                           private Revocable,
                           private PresenceSession::Observer {
 public:
  Subscription(EdgeServices& services, SubscriptionOwner& owner)
      : services_(services), owner_(owner) {}
  ~Subscription() override;

  // Once: asks the app (unless the channel is public), then joins. The owner may be called back
  // from within.
  void open(SubscriptionRequest request);
  // In place of open(): goes on where save() was called. What is new meanwhile comes as on_gap or
  // on_ended, maybe from within; on_subscribed does not.
  void restore(const proto::SubscriptionRecord& record, const RestoreAs& as, FrameSink& sink);
  // While can_move().
  void save(proto::SubscriptionRecord& record) const;
  // Neither the app nor the broker is being asked about it.
  [[nodiscard]] bool can_move() const { return state_ == SubscriptionState::Live; }
  // Where frames go; with none yet, nothing flows.
  void attach(FrameSink& sink);
  // The connection has room again.
  void pump();
  // Asks the app again, with a new credential from the client. Only while is_live().
  void reauthorize(HeaderCredential credential);
  // At due_ms(): what the permission needs before its end, and that end.
  void check(std::int64_t now_ms);
  // Monotonic ms; 0: nothing will be due.
  [[nodiscard]] std::int64_t due_ms() const { return is_live() ? permission_.due_ms() : 0; }
  // Leaves without a word to the owner. `reason`: what its channel's members are told.
  void end(PresenceEnd reason = PresenceEnd::Lost);

  [[nodiscard]] bool is_live() const {
    return state_ == SubscriptionState::Live || state_ == SubscriptionState::Reauthorizing;
  }
  [[nodiscard]] bool is_ended() const { return state_ == SubscriptionState::Ended; }
  // Valid from open() on.
  [[nodiscard]] const ChannelIdentity& identity() const { return channel_; }
  [[nodiscard]] const std::string& key() const { return channel_.key; }
  [[nodiscard]] const Definition& definition() const { return *definition_; }
  [[nodiscard]] const Grant& grant() const { return permission_.granted(); }
  [[nodiscard]] const Permission& permission() const { return permission_; }
  // All params that it was asked for with, and from which address: what the app is told of.
  [[nodiscard]] Params params() const;
  [[nodiscard]] const std::string& ip() const { return ip_; }
  // The last position passed on to the sink; while live.
  [[nodiscard]] Position position() const { return Subscriber::position(); }

  // Its part in the channel's presence; null: the channel has none.
  [[nodiscard]] PresenceSession* presence() const { return presence_.get(); }

  // From the app's answer, else the definition.
  [[nodiscard]] std::int64_t keepalive_interval_ms() const;
  [[nodiscard]] std::int64_t lifetime_ms() const;

 private:
  // Why the app is being asked, which says what a no means.
  enum class Question : std::uint8_t {
    First,
    Judgement,  // nothing is delivered before the answer
    Renewal,    // a no ends it
    LastTry,    // of a credential whose client can still send a better one
  };

  void on_started(const Start& start) override;
  void on_gap(const Gap& gap) override;
  void on_ended(const Error& error) override;
  bool on_revoked(const Revocation& revocation) override { return take_back(revocation); }
  bool take_back(const Revocation& revocation) override;
  [[nodiscard]] bool is_connection(std::string_view id) const override;
  void on_own_passed(std::uint64_t offset) override;
  void on_definitions_changed(std::string_view app,
                              const std::shared_ptr<const DefinitionSet>& definitions) override;

  void move(SubscriptionEvent event);
  void ask(Question question, const Params& params);
  // As the definitions that hold understand the call.
  void ask(Question question);
  void ask_before_more();
  void on_answer(Result<Grant> answer);
  [[nodiscard]] Result<Grant> judge(Result<Grant> answer) const;
  void on_allowed(Grant grant);
  void on_refused(const Error& error);
  void index();
  void join();
  void fail(const Error& error);
  void judge_again(const ChannelTarget& target);
  void judge_taken_back(TakenBack taken_back);
  void watch_definitions(const ChannelTarget& target);
  // The client has brought a credential, and can bring another.
  [[nodiscard]] bool can_answer() const;
  // subscription_presence.cc
  void make_presence(PresenceRequest request);
  void open_presence(FrameSink* sink);
  void refresh_presence();
  void end_presence(PresenceEnd reason);
  [[nodiscard]] static PresenceEnd presence_end_of(const Error& error);
  void on_presence_refused(const Error& error) override;

  EdgeServices& services_;
  SubscriptionOwner& owner_;
  SubscriptionState state_ = SubscriptionState::New;
  Operation operation_ = Operation::Subscribe;
  Question question_ = Question::First;
  bool is_restored_ = false;
  bool is_paused_ = false;  // nothing may be delivered before the app's answer
  ChannelCall call_;
  std::shared_ptr<const DefinitionSet> definitions_;
  const Definition* definition_ = nullptr;
  ChannelIdentity channel_;
  Join join_;
  Permission permission_;
  std::unique_ptr<Credentials> credentials_;           // null: a public channel, or none at hand
  std::unique_ptr<PresenceRequest> presence_request_;  // until it stands
  std::unique_ptr<PresenceSession> presence_;
  std::string ip_;
  std::unique_ptr<Authorizer::Ticket> ticket_;
  std::int64_t asks_from_ms_ = 0;     // while there is a ticket: see RevocationBook
  FrameSink* paused_sink_ = nullptr;  // the connection's, if there was one
};

}  // namespace tako::edge
