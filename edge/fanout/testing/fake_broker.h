// FakeBroker: a broker of one thread and no bytes, for tests: logs in memory, every answer later,
// and every fault on demand.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/position.h"
#include "edge/fanout/broker_port.h"
#include "edge/fanout/testing/presence_words.h"

namespace tako::edge::testing {

// What a test publishes; the rest has a default that no test looks at.
struct Draft {
  std::string type = "t";
  std::string data = "1";
  bool ephemeral = false;
  std::string subject = {};
  std::string connection = {};
  std::uint32_t batch_rest = 0;
};

class FakeBroker final : public BrokerPort {
 public:
  struct Log {
    Epoch epoch;
    std::vector<EpochEnd> older_epochs;
    std::uint64_t head = 0;
    std::deque<MessagePtr> messages;

    [[nodiscard]] ReplayWindow window() const {
      return {.epoch = epoch,
              .head = head,
              .oldest = messages.empty() ? head + 1 : messages.front()->position.offset,
              .older_epochs = older_epochs};
    }
  };

  explicit FakeBroker(const Clock& clock)
      : clock_(clock), unlinked_since_ms_(clock.monotonic_ms()) {}
  void set_events(BrokerEvents& events) { events_ = &events; }

  // ---- What a test does ----
  Log& log(const std::string& key) {
    Log& log = logs_[key];
    if (log.epoch == Epoch{}) log.epoch = epoch_;
    return log;
  }
  Position publish_to(const std::string& key, Draft draft = {}) {
    const MessagePtr message = make_message(key, draft);
    if (!draft.ephemeral) {
      log(key).messages.push_back(message);
      log(key).head = message->position.offset;
    }
    deliver(key, {message});
    return message->position;
  }
  // One atomic batch of `count` messages.
  void publish_batch(const std::string& key, std::uint32_t count) {
    std::vector<MessagePtr> batch;
    for (std::uint32_t i = 0; i < count; ++i) {
      Draft draft;
      draft.batch_rest = count - i - 1;
      batch.push_back(make_message(key, draft));
      log(key).messages.push_back(batch.back());
      log(key).head = batch.back()->position.offset;
    }
    deliver(key, batch);
  }
  void evict(const std::string& key, std::size_t count) {
    auto& messages = log(key).messages;
    messages.erase(messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(count));
  }
  // As a memory broker after a restart: nothing is left, and numbering begins anew.
  void lose_everything() {
    logs_.clear();
    epoch_ = Epoch{epoch_.value + 1};
  }
  void link_up() {
    linked_ = true;
    if (events_ != nullptr) events_->on_link_up();
  }
  void link_down() {
    linked_ = false;
    unlinked_since_ms_ = clock_.monotonic_ms();
    subscriptions_.clear();
    presence.end_link();
    std::erase_if(queue_, [](const Event& event) { return event.dies_with_link; });
    if (events_ != nullptr) events_->on_link_down();
  }
  // Answers and deliveries, in order, until nothing is left.
  void run() {
    while (run_one()) {
    }
  }
  bool run_one() {
    if (queue_.empty()) return false;
    const Event event = std::move(queue_.front());
    queue_.pop_front();
    event.act();
    return true;
  }
  void refuse_next_subscribe(Error error) { subscribe_error_ = std::move(error); }
  // A delivery as no honest broker would send it.
  void deliver_raw(const std::string& key, Delivery delivery) {
    for (const auto& [number, subscribed_key] : subscriptions_) {
      if (subscribed_key == key) enqueue_delivery(number, delivery);
    }
  }
  MessagePtr make_message(const std::string& key, const Draft& draft) {
    auto message = std::make_shared<Message>();
    if (!draft.ephemeral) {
      const Log& log = this->log(key);
      message->position = {log.head + 1, log.epoch};
    }
    message->time_ms = clock_.wall_ms();
    message->type = draft.type;
    message->data = draft.data;
    message->subject = draft.subject;
    message->connection = draft.connection;
    message->batch_rest = draft.batch_rest;
    return message;
  }

  // News of a channel's presence, as it comes; nothing when no edge has opened it.
  void tell_presence(const std::string& key, PresenceNews news) {
    if (const auto number = presence.number_of(key)) {
      events_->on_presence(*number, std::move(news));
    }
  }

  std::int64_t restart_until = 0;  // as if it had said goodbye
  bool knows_presence = true;      // false: an older broker
  PresenceWords presence;          // what the edge has said

  // ---- What a test looks at ----
  [[nodiscard]] const std::map<ChannelNumber, std::string>& subscriptions() const {
    return subscriptions_;
  }
  std::vector<std::pair<std::string, std::optional<Cursor>>> subscribe_calls;
  std::vector<FetchRequest> fetch_calls;
  std::vector<PublishRequest> publish_calls;
  std::map<std::string, std::uint32_t> occupancies;
  bool answers_fetches = true;  // false: with Unavailable
  std::optional<Error> publish_error;
  std::function<Result<ApiAnswer>(const ApiRequest&)> answer_api;  // none: Unavailable

  // ---- BrokerPort ----
  [[nodiscard]] bool is_linked() const override { return linked_; }
  [[nodiscard]] std::int64_t unlinked_since_ms() const override {
    return linked_ ? 0 : unlinked_since_ms_;
  }
  [[nodiscard]] std::int64_t restart_until_ms() const override { return restart_until; }
  void subscribe(ChannelNumber number, const ChannelIdentity& channel,
                 const std::optional<Cursor>& from) override {
    if (!linked_) return;
    subscribe_calls.emplace_back(channel.key, from);
    enqueue([this, number, key = channel.key, from] { answer_subscribe(number, key, from); });
  }
  void unsubscribe(ChannelNumber number) override { subscriptions_.erase(number); }
  void occupancy(ChannelNumber number, std::uint32_t subscribers) override {
    const auto found = subscriptions_.find(number);
    if (found != subscriptions_.end()) occupancies[found->second] = subscribers;
  }
  [[nodiscard]] bool takes_presence() const override { return linked_ && knows_presence; }
  [[nodiscard]] bool has_presence() const override { return knows_presence; }
  void presence_open(ChannelNumber number, const ChannelIdentity& channel,
                     const PresenceReport& report,
                     const std::optional<PresenceVersion>& has) override {
    if (takes_presence()) presence.open(number, channel.key, report, has);
  }
  void presence_close(ChannelNumber number) override {
    if (takes_presence()) presence.close(number);
  }
  void presence_session(ChannelNumber number, std::uint64_t session,
                        const PresenceListing& listing) override {
    if (takes_presence()) presence.session(number, session, listing);
  }
  void presence_gone(ChannelNumber number, std::uint64_t session, PresenceEnd reason) override {
    if (takes_presence()) presence.gone(number, session, reason);
  }
  void webhook_done(std::uint64_t /*lease*/, int /*status*/, std::string_view /*error*/) override {}
  void fetch(FetchRequest request, Reply<FetchPage> reply) override {
    fetch_calls.push_back(request);
    enqueue(
        [this, request, reply] {
          if (!linked_ || !answers_fetches) {
            reply(std::unexpected(Error{ErrorCode::Unavailable}));
          } else {
            reply(page_for(request));
          }
        },
        false);
  }
  void publish(PublishRequest request, Reply<PublishAck> reply) override {
    publish_calls.push_back(request);
    enqueue(
        [this, request, reply] {
          if (publish_error) return reply(std::unexpected(*publish_error));
          const Position position =
              publish_to(request.channel.key, {.type = request.type,
                                               .data = request.data,
                                               .ephemeral = request.ephemeral,
                                               .subject = request.subject,
                                               .connection = request.connection});
          reply(PublishAck{.position = position, .repeated_key = false});
        },
        false);
  }
  void api_call(ApiRequest request, Reply<ApiAnswer> reply) override {
    enqueue([this, request,
             reply] { reply(answer_api ? answer_api(request) : fail(ErrorCode::Unavailable)); },
            false);
  }

 private:
  struct Event {
    std::function<void()> act;
    bool dies_with_link = true;
  };

  void enqueue(std::function<void()> act, bool dies_with_link = true) {
    queue_.push_back({std::move(act), dies_with_link});
  }
  void enqueue_delivery(ChannelNumber number, Delivery delivery) {
    enqueue([this, number, delivery] { events_->on_delivery(number, delivery); });
  }
  void deliver(const std::string& key, const std::vector<MessagePtr>& messages) {
    deliver_raw(key, {.messages = messages, .window = {}, .gap = {}});
  }
  void answer_subscribe(ChannelNumber number, const std::string& key,
                        const std::optional<Cursor>& from) {
    Subscribed answer;
    if (subscribe_error_) {
      answer.error = std::exchange(subscribe_error_, {});
      events_->on_subscribed(number, answer);
      return;
    }
    const Log& log = this->log(key);
    answer.window = log.window();
    answer.starts_after = log.head;
    if (from) {
      const Resume resume = resume_at(*from, answer.window);
      if (resume.gap) answer.gap = resume.reason;
      answer.starts_after = resume.after;
    }
    subscriptions_[number] = key;
    std::vector<MessagePtr> missed;
    for (const MessagePtr& message : log.messages) {
      if (message->position.offset > answer.starts_after) missed.push_back(message);
    }
    // The answer, then what follows it; what is published from now on comes behind.
    if (!missed.empty()) {
      queue_.push_front({[this, number, missed] {
                           events_->on_delivery(number,
                                                {.messages = missed, .window = {}, .gap = {}});
                         },
                         true});
    }
    events_->on_subscribed(number, answer);
  }
  FetchPage page_for(const FetchRequest& request) {
    FetchPage page;
    const Log& log = this->log(request.channel.key);
    page.window = log.window();
    std::uint64_t after = 0;
    if (request.after) {
      const Resume resume = resume_at(*request.after, page.window);
      if (resume.gap) {
        page.gap = resume.reason;
        return page;
      }
      after = resume.after;
    }
    std::size_t bytes = 0;
    for (const MessagePtr& message : log.messages) {
      if (message->position.offset <= after || message->time_ms < request.from_ms) continue;
      const std::uint64_t end =
          request.before ? request.before->position.offset + (request.with_before ? 1 : 0) : 0;
      if (request.before && message->position.offset >= end) {
        page.more_after = true;
        break;
      }
      const bool is_full = page.messages.size() >= request.limit ||
                           (request.bytes_max != 0 && bytes >= request.bytes_max);
      if (is_full) {
        page.more_after = true;
        break;
      }
      page.messages.push_back(std::make_shared<Message>(copy_of(*message)));
      bytes += message->data.size();
    }
    page.more_before =
        !page.messages.empty() && page.messages.front()->position.offset > page.window.oldest;
    return page;
  }
  // As over the link: another object, without the frames of the first.
  static Message copy_of(const Message& message) {
    Message copy = message;
    copy.frames = {};
    return copy;
  }

  const Clock& clock_;
  std::int64_t unlinked_since_ms_;
  BrokerEvents* events_ = nullptr;
  bool linked_ = false;
  Epoch epoch_{1};
  std::optional<Error> subscribe_error_;
  std::map<std::string, Log> logs_;
  std::map<ChannelNumber, std::string> subscriptions_;
  std::deque<Event> queue_;
};

}  // namespace tako::edge::testing
