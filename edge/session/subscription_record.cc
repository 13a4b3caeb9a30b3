// A subscription as it moves to another process, and what has changed there since.
#include <utility>

#include "edge/session/subscription.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

void save_credentials(const Credentials& credentials, proto::CredentialsRecord& record) {
  if (credentials.header) {
    if (credentials.header->scheme) record.set_header_scheme(*credentials.header->scheme);
    record.set_header_value(credentials.header->value);
  }
  if (credentials.cookie) record.set_cookie(*credentials.cookie);
  record.set_ip(credentials.ip);
}

std::unique_ptr<Credentials> restored_credentials(const proto::CredentialsRecord& record) {
  auto credentials = std::make_unique<Credentials>();
  if (record.has_header_value()) {
    HeaderCredential& header = credentials->header.emplace();
    if (record.has_header_scheme()) header.scheme = record.header_scheme();
    header.value = record.header_value();
  }
  if (record.has_cookie()) credentials->cookie = record.cookie();
  credentials->ip = record.ip();
  return credentials;
}

std::optional<AuthRule> restored_rule(const proto::SubscriptionRecord& record) {
  if (!record.has_auth()) return std::nullopt;
  AuthRule rule;
  if (record.auth().has_header_name()) rule.header_name = record.auth().header_name();
  if (record.auth().has_cookie_name()) rule.cookie_name = record.auth().cookie_name();
  return rule;
}

}  // namespace

void save_call(const ChannelCall& call, proto::CallRecord& record) {
  record.set_app(call.app);
  record.set_name(call.name);
  record.set_params(call.params);
  record.set_params_are_json(call.params_are_json);
}

ChannelCall restored_call(const proto::CallRecord& record) {
  return {.app = record.app(),
          .name = record.name(),
          .params = record.params(),
          .params_are_json = record.params_are_json()};
}

// A credential is kept where it may be asked for again: where the permission ends.
void Subscription::save(proto::SubscriptionRecord& record) const {
  save_call(call_, *record.mutable_call());
  record.set_key(channel_.key);
  record.set_offset(position().offset);
  record.set_epoch(position().epoch.value);
  record.set_feed_head(feed_head().offset);
  record.set_ip(ip_);
  permission_.save(record);
  if (definition_->auth) {
    proto::AuthRuleRecord& rule = *record.mutable_auth();
    if (definition_->auth->header_name) rule.set_header_name(*definition_->auth->header_name);
    if (definition_->auth->cookie_name) rule.set_cookie_name(*definition_->auth->cookie_name);
  }
  if (credentials_ && grant().expires_at_ms) {
    save_credentials(*credentials_, *record.mutable_credentials());
  }
  if (presence_ != nullptr) presence_->save(*record.mutable_presence());
}

// Judged by the definitions that hold here, as if they had just come. They are nearly always those
// that held there; for what they change in between the client has to come again.
void Subscription::restore(const proto::SubscriptionRecord& record, const RestoreAs& as,
                           FrameSink& sink) {
  is_restored_ = true;
  operation_ = as.operation;
  call_ = restored_call(record.call());
  channel_.key = record.key();
  ip_ = record.ip();
  permission_.restore(record, services_.clock.monotonic_ms(), services_.clock.wall_ms());
  const auto& definitions = services_.definitions.of(call_.app);
  Result<ChannelTarget> target = resolve_channel(call_, definitions);
  if (!target || target->channel.key != record.key()) {
    ++services_.counters.ended_by_definitions;
    return fail(target ? Error{ErrorCode::DefinitionsChanged} : target.error());
  }
  const Position at{record.offset(), Epoch{record.epoch()}};
  join_ = {.cursor = Cursor{.from_oldest = false, .position = at},
           .form = as.form,
           .slow = target->definition->slow,
           .is_public = target->is_public(),
           .handed_head = Position{record.feed_head(), at.epoch}};
  const std::optional<AuthRule> rule = restored_rule(record);
  const bool is_rule_same = target->definition->auth == rule || target->is_public();
  if (!is_rule_same) {
    ++services_.counters.ended_by_definitions;
    return fail(Error{ErrorCode::DefinitionsChanged});
  }
  watch_definitions(*target);
  if (record.has_credentials()) credentials_ = restored_credentials(record.credentials());
  // What was taken back while it was on its way here has not met it anywhere.
  const TakenBack taken_back =
      services_.revocations.book().find(channel_, grant().subject, permission_.asked_ms());
  if (taken_back == TakenBack::Ended) return judge_taken_back(taken_back);
  move(SubscriptionEvent::Granted);
  index();
  make_presence(record.has_presence() ? PresenceSession::restored_request(record.presence())
                                      : PresenceRequest{});
  is_paused_ = taken_back == TakenBack::Reauthorize;
  if (is_paused_) paused_sink_ = &sink;
  FrameSink* open_sink = is_paused_ ? nullptr : &sink;
  set_sink(open_sink);
  join();
  open_presence(open_sink);
  if (is_paused_ && !is_ended()) judge_taken_back(taken_back);
}

}  // namespace tako::edge
