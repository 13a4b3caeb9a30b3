// Judges what a client may have of presence by its grant and the definition.
#include "edge/session/presence_session.h"

#include <utility>

#include "edge/session/channel_access.h"

namespace tako::edge {

bool counts_presence(const Definition& definition) {
  return definition.presence || definition.webhooks.channel_occupied ||
         definition.webhooks.channel_vacated;
}

Result<void> check_presence_data(const Definition& definition, std::string_view data) {
  if (!definition.presence || data.size() <= definition.presence->data_bytes_max) return {};
  return fail_at(&LimitCounters::presence_data_bytes_max, ErrorCode::PayloadTooLarge,
                 "presence data must have at most " +
                     std::to_string(definition.presence->data_bytes_max) + " bytes");
}

PresenceSession::PresenceSession(EdgeServices& services, Observer& observer, const Grant& grant,
                                 const Definition& definition, WireForm form,
                                 PresenceRequest request)
    : services_(services),
      observer_(observer),
      grant_(grant),
      rule_(definition.presence),
      form_(form),
      request_(std::move(request)),
      told_as_(allowed_wish()) {
  const bool is_news = !request_.data.empty() && request_.data_set_ms == 0;
  if (is_news) request_.data_set_ms = services.clock.wall_ms();
}

void PresenceSession::open(const ChannelIdentity& channel) {
  services_.presence.join(
      *this, channel, {.form = form_, .wish = told_as_, .has = std::exchange(request_.has, {})});
  if (request_.enters && may_be_listed()) list();
}

PresenceListing PresenceSession::listing() const {
  return {.subject = grant_.subject,
          .info = grant_.presence_info,
          .data = request_.data,
          .data_set_ms = request_.data_set_ms};
}

// A broker without the definition is about to be told of it (with the log in memory, by the app),
// or this edge is about to hear that presence is off: it enters when definitions come again.
void PresenceSession::on_presence_refused(const Error& error) {
  if (error.code == ErrorCode::PresenceOff) return;
  request_.enters = false;
  observer_.on_presence_refused(error);
}

bool PresenceSession::may_be_listed() const {
  return rule_ && !grant_.subject.empty() && has_right(grant_, Operation::Presence);
}

// A broker without presence has nothing to tell, and one that comes later was not promised.
PresenceWish PresenceSession::allowed_wish() const {
  const bool is_told =
      rule_ && has_right(grant_, Operation::Presence) && services_.broker.has_presence();
  if (!is_told || request_.wish == PresenceWish::Nothing) return PresenceWish::Nothing;
  return rule_->list == PresenceList::Counts ? PresenceWish::Counts : request_.wish;
}

Result<void> PresenceSession::check_listing() const {
  if (!rule_) return fail(ErrorCode::PresenceOff);
  if (grant_.subject.empty()) return fail(ErrorCode::Forbidden, "only who has a subject is listed");
  if (!may_be_listed()) return fail(ErrorCode::Forbidden, "the app did not grant `presence`");
  return {};
}

void PresenceSession::list() {
  if (grant_.presence_info.size() <= rule_->data_bytes_max) return enter();
  ++services_.limit_counters.presence_data_bytes_max;
  unlist(PresenceEnd::Lost);
  observer_.on_presence_refused(
      Error{ErrorCode::PayloadTooLarge, "what the app says of this subject is too large", 0});
}

void PresenceSession::set_data(std::string data) {
  request_.data = std::move(data);
  request_.data_set_ms = services_.clock.wall_ms();
}

Result<void> PresenceSession::say_enter(std::optional<std::string> data) {
  if (auto checked = check_listing(); !checked) return checked;
  if (data) set_data(*std::move(data));
  request_.enters = true;
  list();
  return {};
}

Result<void> PresenceSession::say_update(std::string data) {
  if (auto checked = check_listing(); !checked) return checked;
  if (!is_listed()) return fail(ErrorCode::Forbidden, "not listed: enter first");
  set_data(std::move(data));
  list();
  return {};
}

Result<void> PresenceSession::say_leave() {
  if (auto checked = check_listing(); !checked) return checked;
  request_.enters = false;
  unlist(PresenceEnd::Left);
  return {};
}

void PresenceSession::on_granted_again() {
  if (!is_attached()) return;
  told_as_ = allowed_wish();
  set_wish(told_as_);
  if (!may_be_listed()) {
    unlist(PresenceEnd::Revoked);
  } else if (request_.enters) {
    list();  // The same again is no change.
  }
}

void PresenceSession::on_definition_changed(const Definition& definition) {
  rule_ = definition.presence;
  told_as_ = allowed_wish();
  if (!is_attached()) return;
  set_wish(told_as_);
  if (!may_be_listed()) {
    unlist(PresenceEnd::Lost);
  } else if (request_.enters && !is_listed()) {
    list();
  }
}

}  // namespace tako::edge
