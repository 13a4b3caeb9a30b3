// PublishLines: clients' messages on their way to the broker, each sender's in order, by way of the
// app where that decides about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/definition.h"
#include "common/limit_counters.h"
#include "common/runtime_limits.h"
#include "edge/fanout/broker_port.h"
#include "edge/session/dispatcher.h"
#include "edge/session/revocation_book.h"

namespace tako::edge {

struct OutgoingMessage {
  PublishRequest publish;
  HandlerKind handler = HandlerKind::Relay;
  Params params = {};   // for the app, with Dispatch: all that the client gave
  std::string ip = {};  // likewise
  // When the app was asked for the sender's permission (monotonic): what is taken back while the
  // message waits is not published under it. 0: it does not wait.
  std::int64_t granted_ms = 0;
};

// What became of a message.
struct Published {
  PublishAck ack;                        // offset 0: ephemeral, or dropped
  bool is_dropped = false;               // the app did not want it
  std::optional<std::string> data = {};  // what the app made of it
};

//   send ──relay, and nothing ahead──────────────────────────────▶ broker ──▶ told
//     └──▶ line: [dispatch, asked] [relay] [dispatch] …              ▲
//                    │ the app's answer: fanout ─────────────────────┘, then the next one's turn
//                    └─ drop, reject, no answer ──▶ told
//
// A line lasts as long as something in it waits, not as long as its connection: what was taken from
// a client is seen through, and nothing drops what the app has returned. But what still waits when
// its sender's permission is taken back is refused: neither the app nor subscribers see it.
class PublishLines {
 public:
  // Once, maybe from within send(). Errors: MessageRejected, Unavailable, LimitReached, Revoked,
  // and what the broker refuses with.
  using Told = std::function<void(const Result<Published>&)>;

  // All outlive it; the broker's replies must not come after it is gone.
  PublishLines(BrokerPort& broker, Dispatcher& dispatcher, const RevocationBook& taken_back,
               const RuntimeLimits& limits, LimitCounters& limit_counters)
      : broker_(broker),
        dispatcher_(dispatcher),
        taken_back_(taken_back),
        limits_(limits),
        limit_counters_(limit_counters) {}
  PublishLines(const PublishLines&) = delete;
  PublishLines& operator=(const PublishLines&) = delete;

  // A name for one more line.
  [[nodiscard]] std::uint64_t new_line() { return ++last_line_; }
  // Takes the message behind those that wait in `line`. Error, at once: LimitReached (too much
  // waits for apps).
  [[nodiscard]] Result<void> send(std::uint64_t line, OutgoingMessage message, Told told);

  // Every message has been answered for.
  [[nodiscard]] bool is_idle() const { return unanswered_ == 0; }
  // Once, when is_idle(): at once, or later. The callback does not destroy this.
  void when_idle(std::function<void()> callback);
  [[nodiscard]] std::size_t unanswered() const { return unanswered_; }

 private:
  struct Held {
    OutgoingMessage message;
    Told told;
  };
  struct Line {
    std::deque<Held> waiting = {};
    std::optional<Held> asked = {};
    std::unique_ptr<Dispatcher::Ticket> ticket = {};
  };

  // Sends on until the app has to be asked, or nothing is left.
  void advance(std::uint64_t number);
  [[nodiscard]] bool is_taken_back(const OutgoingMessage& message) const;
  [[nodiscard]] Result<void> ask(std::uint64_t number, Line& line, Held held);
  void on_answer(std::uint64_t number, Result<DispatchAnswer> answer);
  void settle(Held held, Result<DispatchAnswer> answer);
  void publish(PublishRequest request, std::optional<std::string> data, Told told);
  void tell(const Told& told, const Result<Published>& published);
  void check_idle();

  BrokerPort& broker_;
  Dispatcher& dispatcher_;
  const RevocationBook& taken_back_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  std::uint64_t last_line_ = 0;
  std::unordered_map<std::uint64_t, Line> lines_;  // those in which something waits
  std::size_t held_bytes_ = 0;                     // of them
  std::size_t unanswered_ = 0;
  std::function<void()> on_idle_;
};

}  // namespace tako::edge
