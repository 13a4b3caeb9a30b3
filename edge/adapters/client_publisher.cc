// Checks what a client may publish, and matches the broker's answers.
#include "edge/adapters/client_publisher.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace tako::edge {

ClientPublisher* PublisherBook::find(std::uint64_t number) const {
  const auto found = publishers_.find(number);
  return found == publishers_.end() ? nullptr : found->second;
}

Result<HandlerKind> check_handler(const Definition& definition, const ClientMessage& message) {
  const auto handler = definition.handlers.find(message.type);
  if (handler == definition.handlers.end()) return fail(ErrorCode::TypeNotAllowed);
  if (handler->second == HandlerKind::Ephemeral && !message.idempotency_key.empty()) {
    return fail(ErrorCode::EphemeralWithKey);
  }
  return handler->second;
}

ClientPublisher::~ClientPublisher() {
  if (number_ != 0) book_.remove(number_);
}

Result<void> ClientPublisher::publish(const Subscription& subscription, ClientMessage message,
                                      const std::string& connection) {
  const Result<HandlerKind> handler = check_handler(subscription.definition(), message);
  if (!handler) return std::unexpected(handler.error());
  if (!has_right(subscription.grant(), Operation::Publish)) return fail(ErrorCode::Forbidden);
  if (auto rated = take_rate(subscription); !rated) return rated;
  if (pending_.size() >= limits::kPublishesPerConnectionMax) {
    ++services_.limit_counters.publishes_per_connection_max;
    return fail(ErrorCode::RateLimited);
  }
  if (number_ == 0) {
    number_ = services_.publishes.new_line();
    book_.add(number_, *this);
  }
  const std::uint64_t number = ++last_;
  pending_.push_back({number, {std::move(message.ref), subscription.key(), message.echo}});
  ++services_.counters.client_messages;
  OutgoingMessage outgoing{.publish = {.channel = subscription.identity(),
                                       .type = std::move(message.type),
                                       .data = std::move(message.data),
                                       .encoding = Encoding::Json,
                                       .ephemeral = *handler == HandlerKind::Ephemeral,
                                       .subject = subscription.grant().subject,
                                       .connection = message.echo ? std::string() : connection,
                                       .idempotency_key = std::move(message.idempotency_key)},
                           .handler = *handler,
                           .granted_ms = subscription.grant().asked_ms};
  if (*handler == HandlerKind::Dispatch) {
    outgoing.params = subscription.params();
    outgoing.ip = subscription.ip();
  }
  const auto told = [&book = book_, publisher = number_,
                     number](const Result<Published>& published) {
    if (ClientPublisher* self = book.find(publisher)) self->on_told(number, published);
  };
  auto sent = services_.publishes.send(number_, std::move(outgoing), told);
  if (!sent) pending_.pop_back();  // Nothing came between: it was refused at once.
  return sent;
}

Result<void> ClientPublisher::take_rate(const Subscription& subscription) {
  if (connection_ == 0) connection_ = services_.rates.new_connection();
  auto taken = services_.rates.take({.connection = connection_,
                                     .subject = subscription.grant().subject,
                                     .channel = subscription.identity(),
                                     .definition = subscription.definition()});
  if (taken) return taken;
  refused_ms_.push_back(services_.clock.monotonic_ms());
  if (refused_ms_.size() > services_.limits.client_rate_refusals_max) {
    refused_ms_.erase(refused_ms_.begin());
  }
  return taken;
}

bool ClientPublisher::is_flooding() const {
  constexpr std::int64_t kMinuteMs = 60'000;
  return refused_ms_.size() >= services_.limits.client_rate_refusals_max &&
         refused_ms_.back() - refused_ms_.front() < kMinuteMs;
}

void ClientPublisher::on_told(std::uint64_t number, const Result<Published>& published) {
  const auto found = std::ranges::find(pending_, number, &Pending::number);
  if (found == pending_.end()) return;
  const Tag tag = std::move(found->tag);
  pending_.erase(found);
  observer_.on_published(tag, published);  // *this may be gone.
}

}  // namespace tako::edge
