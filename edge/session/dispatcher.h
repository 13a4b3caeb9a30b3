// Asks the app what becomes of a client's message: the interface; the HTTP calls are in
// edge/server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/params.h"
#include "common/result.h"

namespace tako::edge {

struct DispatchCall {
  std::string app;
  std::string channel;  // the wire name
  Params params;        // all that the client gave
  std::string subject;  // empty: anonymous
  std::string type;
  std::string data;             // JSON
  std::string idempotency_key;  // empty: none
  std::string ip;
};

enum class DispatchAction : std::uint8_t { Fanout, Drop, Reject };

struct DispatchAnswer {
  DispatchAction action = DispatchAction::Drop;
  std::optional<std::string> data = {};  // Fanout: JSON in place of what was sent
  std::string reason = {};               // Reject; empty: none
};

class Dispatcher {
 public:
  // Errors: Unavailable (the app is down, slow, or says anything else).
  using Reply = std::move_only_function<void(Result<DispatchAnswer>)>;
  // Cancels its call when destroyed. A reply may destroy it.
  class Ticket {
   public:
    virtual ~Ticket() = default;
  };
  virtual ~Dispatcher() = default;
  // The reply comes later, never from within, and not after the ticket is destroyed. Errors, at
  // once: Unavailable (the app can't be asked), LimitReached.
  [[nodiscard]] virtual Result<std::unique_ptr<Ticket>> dispatch(DispatchCall call,
                                                                 Reply reply) = 0;
};

}  // namespace tako::edge
