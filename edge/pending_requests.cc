// Keeps what was asked until the broker answers, the link breaks, or time is up.
#include "edge/pending_requests.h"

#include <utility>
#include <vector>

#include "common/limits.h"

namespace tako::edge {
namespace {

// A broker that holds the link but does not answer: the same patience as with the app's callback.
constexpr std::int64_t kReplyMs = limits::kAuthorizeTimeoutMs;
constexpr std::int64_t kRetryAfterMs = 1'000;

Error unavailable() {
  return {ErrorCode::Unavailable, "the broker does not answer", kRetryAfterMs};
}

}  // namespace

bool PendingRequests::add(std::uint64_t id, proto::EdgeItem item, bool may_repeat,
                          std::int64_t now_ms, Answer& answer) {
  const std::size_t bytes = item.ByteSizeLong();
  if (requests_.size() >= limits_.link_pending_requests_max) {
    ++counters_.link_pending_requests_max;
    return false;
  }
  if (bytes_ + bytes > limits::kLinkPendingBytesMax) {
    ++counters_.link_pending_bytes_max;
    return false;
  }
  bytes_ += bytes;
  requests_.emplace(id, Request{.item = std::move(item),
                                .may_repeat = may_repeat,
                                .is_sent = false,
                                .bytes = bytes,
                                .waits_since_ms = now_ms,
                                .answer = std::move(answer)});
  return true;
}

void PendingRequests::send_waiting(const std::function<void(proto::EdgeItem)>& send) {
  for (auto it = requests_.lower_bound(first_unsent_); it != requests_.end(); ++it) {
    Request& request = it->second;
    request.is_sent = true;
    first_unsent_ = it->first + 1;
    if (request.may_repeat) {
      send(request.item);
    } else {
      send(std::exchange(request.item, {}));
    }
  }
}

void PendingRequests::on_link_lost(std::int64_t now_ms) {
  fail_where([](const Request& request) { return request.is_sent && !request.may_repeat; });
  for (auto& [id, request] : requests_) {
    if (request.is_sent) request.waits_since_ms = now_ms;
    request.is_sent = false;
  }
  first_unsent_ = 0;
}

void PendingRequests::expire(std::int64_t now_ms) {
  fail_where([this, now_ms](const Request& request) { return is_over(request, now_ms); });
}

bool PendingRequests::is_over(const Request& request, std::int64_t now_ms) {
  const std::int64_t patience_ms = request.is_sent ? kReplyMs : limits_.link_wait_ms;
  const std::int64_t until_ms = request.waits_since_ms + patience_ms;
  const bool waits_for_restart = !request.is_sent && until_ms < restart_until_ms_;
  if (now_ms < (waits_for_restart ? restart_until_ms_ : until_ms)) return false;
  ++(waits_for_restart ? counters_.link_restart_wait_ms : counters_.link_wait_ms);
  return true;
}

// Answers are called when the table is consistent again: they may add new requests.
template <typename Condition>
void PendingRequests::fail_where(Condition condition) {
  std::vector<Answer> failed;
  for (auto it = requests_.begin(); it != requests_.end();) {
    if (condition(it->second)) {
      bytes_ -= it->second.bytes;
      failed.push_back(std::move(it->second.answer));
      it = requests_.erase(it);
    } else {
      ++it;
    }
  }
  for (Answer& answer : failed) {
    std::visit([](auto& reply) { reply(std::unexpected(unavailable())); }, answer);
  }
}

template <typename T>
void PendingRequests::answer_with(std::uint64_t id, Result<T> value) {
  const auto found = requests_.find(id);
  if (found == requests_.end() || !std::holds_alternative<Reply<T>>(found->second.answer)) return;
  const Reply<T> reply = std::move(std::get<Reply<T>>(found->second.answer));
  bytes_ -= found->second.bytes;
  requests_.erase(found);
  reply(std::move(value));
}

void PendingRequests::answer_fetch(std::uint64_t id, Result<FetchPage> page) {
  answer_with(id, std::move(page));
}
void PendingRequests::answer_publish(std::uint64_t id, Result<PublishAck> ack) {
  answer_with(id, std::move(ack));
}
void PendingRequests::answer_api(std::uint64_t id, Result<ApiAnswer> answer) {
  answer_with(id, std::move(answer));
}

}  // namespace tako::edge
