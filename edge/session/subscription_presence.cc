// A subscription's part in its channel's presence: from where it stands, to the reason of its end.
#include <utility>

#include "edge/session/subscription.h"

namespace tako::edge {

// Made before the owner hears that it stands, since that says what it will be told.
void Subscription::make_presence(PresenceRequest request) {
  if (!counts_presence(*definition_)) return;
  PresenceSession::Observer& observer = *this;
  presence_ = std::make_unique<PresenceSession>(services_, observer, grant(), *definition_,
                                                join_.form, std::move(request));
}

void Subscription::open_presence(FrameSink* sink) {
  if (presence_ == nullptr || is_ended()) return;
  presence_->open(channel_);
  presence_->set_sink(sink);
}

void Subscription::refresh_presence() {
  if (!counts_presence(*definition_)) {
    presence_.reset();
  } else if (presence_ != nullptr) {
    presence_->on_definition_changed(*definition_);
  } else if (is_live()) {
    make_presence({});
    open_presence(nullptr);  // It did not ask to be told.
  }
}

void Subscription::end_presence(PresenceEnd reason) {
  if (presence_ == nullptr) return;
  presence_->end(reason);
  presence_.reset();
}

PresenceEnd Subscription::presence_end_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::VerifyRejected:
    case ErrorCode::Forbidden:
    case ErrorCode::Revoked:
      return PresenceEnd::Revoked;
    case ErrorCode::ConnectionExpired:
      return PresenceEnd::Expired;
    default:
      return PresenceEnd::Lost;
  }
}

void Subscription::on_presence_refused(const Error& error) {
  owner_.on_presence_refused(*this, error);
}

}  // namespace tako::edge
