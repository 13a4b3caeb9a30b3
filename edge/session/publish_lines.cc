// Takes messages in, asks about them one by one, and passes on what is to be published.
#include "edge/session/publish_lines.h"

#include <utility>

#include "common/check.h"

namespace tako::edge {
namespace {

// What a message takes beside its data: its names, its place in a queue.
constexpr std::size_t kHeldOverhead = 512;

std::size_t bytes_of(const OutgoingMessage& message) {
  return message.publish.data.size() + kHeldOverhead;
}

}  // namespace

Result<void> PublishLines::send(std::uint64_t line, OutgoingMessage message, Told told) {
  const auto found = lines_.find(line);
  if (found == lines_.end() && message.handler != HandlerKind::Dispatch) {
    ++unanswered_;
    publish(std::move(message.publish), {}, std::move(told));
    return {};
  }
  const std::size_t bytes = bytes_of(message);
  if (held_bytes_ + bytes > limits_.dispatch_bytes_max) {
    ++limit_counters_.dispatch_bytes_max;
    return fail(ErrorCode::LimitReached, "too many messages wait for the app");
  }
  held_bytes_ += bytes;
  ++unanswered_;
  // A line that is there is being advanced, or will be at the app's answer.
  const bool is_new = found == lines_.end();
  lines_[line].waiting.push_back({std::move(message), std::move(told)});
  if (is_new) advance(line);
  return {};
}

void PublishLines::advance(std::uint64_t number) {
  // What is told may send more, or end the sender; the line stays until the end of this.
  for (;;) {
    Line& line = lines_.at(number);
    if (line.waiting.empty()) break;
    Held held = std::move(line.waiting.front());
    line.waiting.pop_front();
    if (is_taken_back(held.message)) {
      held_bytes_ -= bytes_of(held.message);
      tell(held.told, fail(ErrorCode::Revoked));
      continue;
    }
    if (held.message.handler != HandlerKind::Dispatch) {
      held_bytes_ -= bytes_of(held.message);
      publish(std::move(held.message.publish), {}, std::move(held.told));
      continue;
    }
    const Told told = held.told;
    const std::size_t bytes = bytes_of(held.message);
    const Result<void> asked = ask(number, line, std::move(held));
    if (asked) return;
    held_bytes_ -= bytes;
    tell(told, std::unexpected(asked.error()));
  }
  lines_.erase(number);
}

bool PublishLines::is_taken_back(const OutgoingMessage& message) const {
  const PublishRequest& publish = message.publish;
  return message.granted_ms != 0 &&
         taken_back_.find(publish.channel, publish.subject, message.granted_ms) == TakenBack::Ended;
}

Result<void> PublishLines::ask(std::uint64_t number, Line& line, Held held) {
  const OutgoingMessage& message = held.message;
  DispatchCall call{.app = message.publish.channel.app,
                    .channel = message.publish.channel.name,
                    .params = message.params,
                    .subject = message.publish.subject,
                    .type = message.publish.type,
                    .data = message.publish.data,
                    .idempotency_key = message.publish.idempotency_key,
                    .ip = message.ip};
  auto ticket = dispatcher_.dispatch(
      std::move(call),
      [this, number](Result<DispatchAnswer> answer) { on_answer(number, std::move(answer)); });
  if (!ticket) return std::unexpected(ticket.error());
  line.ticket = *std::move(ticket);
  line.asked = std::move(held);
  return {};
}

void PublishLines::on_answer(std::uint64_t number, Result<DispatchAnswer> answer) {
  Line& line = lines_.at(number);
  TAKO_CHECK(line.asked.has_value());
  Held held = *std::exchange(line.asked, std::nullopt);
  line.ticket.reset();
  held_bytes_ -= bytes_of(held.message);
  settle(std::move(held), std::move(answer));
  advance(number);
}

void PublishLines::settle(Held held, Result<DispatchAnswer> answer) {
  if (!answer) return tell(held.told, std::unexpected(std::move(answer.error())));
  switch (answer->action) {
    case DispatchAction::Fanout: {
      PublishRequest& request = held.message.publish;
      if (answer->data && *answer->data != request.data) {
        request.sent = std::exchange(request.data, *answer->data);
      }
      return publish(std::move(request), std::move(answer->data), std::move(held.told));
    }
    case DispatchAction::Drop:
      return tell(held.told, Published{.ack = {}, .is_dropped = true});
    case DispatchAction::Reject:
      return tell(held.told, fail(ErrorCode::MessageRejected, std::move(answer->reason)));
  }
}

void PublishLines::publish(PublishRequest request, std::optional<std::string> data, Told told) {
  broker_.publish(std::move(request), [this, data = std::move(data),
                                       told = std::move(told)](const Result<PublishAck>& ack) {
    if (!ack) return tell(told, std::unexpected(ack.error()));
    tell(told, Published{.ack = *ack, .is_dropped = false, .data = data});
  });
}

void PublishLines::tell(const Told& told, const Result<Published>& published) {
  --unanswered_;
  told(published);
  check_idle();
}

void PublishLines::when_idle(std::function<void()> callback) {
  on_idle_ = std::move(callback);
  check_idle();
}

void PublishLines::check_idle() {
  if (unanswered_ != 0 || !on_idle_) return;
  std::exchange(on_idle_, nullptr)();
}

}  // namespace tako::edge
