// Asks the app who may join: the interface; the HTTP calls, merging and keeping are in edge/server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/params.h"
#include "common/result.h"

namespace tako::edge {

enum class Operation : std::uint8_t { Subscribe, Connect, Publish, History, Presence };
[[nodiscard]] std::string_view to_string(Operation operation);

struct HeaderCredential {
  std::optional<std::string> scheme;  // before the first space, if there is one
  std::string value;
};
// `Bearer abc 123` is {Bearer, "abc 123"}; without a space there is a value only.
[[nodiscard]] HeaderCredential parse_credential(std::string_view header_value);

struct AuthorizeCall {
  std::string app;
  std::string channel;   // the wire name
  std::string key = {};  // the channel's; not told to the app
  Operation operation = Operation::Subscribe;
  Params params;  // all that passed the schema, undeclared and context params included
  std::optional<HeaderCredential> header;
  std::optional<std::string> cookie;  // the declared cookie's raw value
  std::string ip;
  bool renews = false;  // a kept answer is not what is asked for
};

// The app's answer when it allowed (`ok:true`).
struct Grant {
  std::string subject;                        // empty: anonymous
  std::optional<std::int64_t> expires_at_ms;  // wall
  std::optional<std::int64_t> keepalive_interval_ms;
  std::optional<std::int64_t> max_connection_lifetime_ms;
  std::optional<std::vector<std::string>> rights;  // operations; absent: all
  std::string presence_info = {};  // minified JSON that the app says of the subject; empty: nothing
  // Monotonic ms. When the app was asked: what is taken back later ends it.
  std::int64_t asked_ms = 0;
  std::int64_t expires_ms = 0;  // as expires_at_ms was understood when it came; 0: never
};

// Errors: VerifyRejected (refused), ChannelUnknown (the app says 404), Unavailable (the app is
// down, slow, or says anything else), LimitReached; and what GuardedAuthorizer adds.
class Authorizer {
 public:
  using Reply = std::move_only_function<void(Result<Grant>)>;
  // Cancels its call when destroyed (other callers merged into it go on).
  class Ticket {
   public:
    virtual ~Ticket() = default;
  };
  virtual ~Authorizer() = default;
  // The reply comes later, never from within authorize(), and not after the ticket is destroyed.
  [[nodiscard]] virtual std::unique_ptr<Ticket> authorize(AuthorizeCall call, Reply reply) = 0;
  // New definitions or a revocation: nothing kept may be used any more.
  virtual void forget_app(std::string_view app) = 0;
};

}  // namespace tako::edge
