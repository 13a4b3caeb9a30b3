// Checks what a client may publish, and matches the broker's answers.
#include "edge/adapters/client_publisher.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"

namespace tako::edge {

std::uint64_t PublisherBook::add(ClientPublisher& publisher) {
  publishers_.emplace(++last_, &publisher);
  return last_;
}

ClientPublisher* PublisherBook::find(std::uint64_t number) const {
  const auto found = publishers_.find(number);
  return found == publishers_.end() ? nullptr : found->second;
}

Result<HandlerKind> check_handler(const Definition& definition, const ClientMessage& message) {
  const auto handler = definition.handlers.find(message.type);
  if (handler == definition.handlers.end()) return fail(ErrorCode::TypeNotAllowed);
  if (handler->second == HandlerKind::Dispatch) return fail(ErrorCode::NotImplemented);
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
  if (pending_.size() >= limits::kPublishesPerConnectionMax) {
    ++services_.limit_counters.publishes_per_connection_max;
    return fail(ErrorCode::RateLimited);
  }
  if (number_ == 0) number_ = book_.add(*this);
  const std::uint64_t number = ++last_;
  pending_.push_back({number, {std::move(message.ref), subscription.key(), message.echo}});
  ++services_.counters.client_messages;
  services_.broker.publish({.channel = subscription.identity(),
                            .type = std::move(message.type),
                            .data = std::move(message.data),
                            .encoding = Encoding::Json,
                            .ephemeral = *handler == HandlerKind::Ephemeral,
                            .subject = subscription.grant().subject,
                            .connection = message.echo ? std::string() : connection,
                            .idempotency_key = std::move(message.idempotency_key)},
                           [&book = book_, publisher = number_, number](Result<PublishAck> ack) {
                             if (ClientPublisher* self = book.find(publisher))
                               self->on_ack(number, ack);
                           });
  return {};
}

void ClientPublisher::on_ack(std::uint64_t number, const Result<PublishAck>& ack) {
  const auto found = std::ranges::find(pending_, number, &Pending::number);
  if (found == pending_.end()) return;
  const Tag tag = std::move(found->tag);
  pending_.erase(found);
  observer_.on_published(tag, ack);  // *this may be gone.
}

}  // namespace tako::edge
