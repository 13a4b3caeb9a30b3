// ClientPublisher: what one connection publishes; bounded, rated, checked, and answered while it
// lives.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/adapters/client_message.h"
#include "edge/session/services.h"
#include "edge/session/subscription.h"

namespace tako::edge {

class ClientPublisher;

// Finds who asked, if it is still there: answers may come after a connection's end.
class PublisherBook {
 public:
  void add(std::uint64_t number, ClientPublisher& publisher) {
    publishers_.emplace(number, &publisher);
  }
  void remove(std::uint64_t number) { publishers_.erase(number); }
  [[nodiscard]] ClientPublisher* find(std::uint64_t number) const;

 private:
  std::unordered_map<std::uint64_t, ClientPublisher*> publishers_;
};

// Whether clients may send this type, and how; TypeNotAllowed or EphemeralWithKey if not.
[[nodiscard]] Result<HandlerKind> check_handler(const Definition& definition,
                                                const ClientMessage& message);

class ClientPublisher {
 public:
  // What the answer is about.
  struct Tag {
    std::string ref;
    std::string key;  // of the subscription
    bool echo = true;
  };
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_published(const Tag& tag, const Result<Published>& published) = 0;
  };

  ClientPublisher(EdgeServices& services, PublisherBook& book, Observer& observer)
      : services_(services), book_(book), observer_(observer) {}
  ClientPublisher(const ClientPublisher&) = delete;
  ClientPublisher& operator=(const ClientPublisher&) = delete;
  ~ClientPublisher();

  // Publishes through a live subscription. `connection` names this client for echo:false.
  // Errors, at once: TypeNotAllowed, EphemeralWithKey, Forbidden, RateLimited, LimitReached. What
  // the app and the broker say comes to the observer, maybe from within. What was taken is seen
  // through, also when this is gone by then.
  [[nodiscard]] Result<void> publish(const Subscription& subscription, ClientMessage message,
                                     const std::string& connection);
  // Counts one frame of this client against the rates of the subscription's definition; publish()
  // does so by itself. Error: RateLimited.
  [[nodiscard]] Result<void> take_rate(const Subscription& subscription);
  // It was above a rate client_rate_refusals_max times within a minute: the connection is to end.
  [[nodiscard]] bool is_flooding() const;
  // Messages whose answer has not come.
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  void on_told(std::uint64_t number, const Result<Published>& published);

  struct Pending {
    std::uint64_t number;
    Tag tag;
  };
  EdgeServices& services_;
  PublisherBook& book_;
  Observer& observer_;
  std::uint64_t number_ = 0;      // of its line, and in the book; 0: nothing was published yet
  std::uint64_t connection_ = 0;  // as the rates know it; 0: likewise
  std::uint64_t last_ = 0;
  std::vector<Pending> pending_;
  std::vector<std::int64_t> refused_ms_;  // above a rate; as many as end a connection
};

}  // namespace tako::edge
