// ClientPool: keep-alive connections to one origin; bounded, waited for in order, timed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/http/client_connection.h"
#include "common/http/origin.h"
#include "common/result.h"
#include "common/uv/loop.h"
#include "common/uv/stream.h"
#include "common/uv/timer_wheel.h"

namespace tako::http {

class ClientPool;

struct ClientPoolOptions {      // defaults: limits.h, section HTTP
  std::size_t connections_max;  // at once, upgraded ones not counted
  std::size_t idle_max;         // kept for reuse
  std::size_t waiting_max;      // requests waiting while all are busy; more fail at once
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds wait_timeout;  // for a connection to become free
  std::chrono::milliseconds idle_timeout;  // shorter than the app's own keep-alive is wise
  ClientPoolOptions();
};

struct ClientPoolCounters {
  std::uint64_t requests = 0;
  std::uint64_t connects = 0;
  std::uint64_t connect_failures = 0;
  std::uint64_t reused = 0;
  std::uint64_t stale_retries = 0;     // sent again: the reused connection was dead
  std::uint64_t waiting_refused = 0;   // at waiting_max
  std::uint64_t timeouts = 0;          // of connecting, waiting, and answers
  std::uint64_t connect_timeouts = 0;  // of those
  std::uint64_t wait_timeouts = 0;
  std::uint64_t head_timeouts = 0;
  std::uint64_t write_timeouts = 0;
  std::uint64_t write_pauses = 0;  // writers were told to wait
  std::uint64_t full_turns = 0;    // requests waited because connections_max were there
  std::uint64_t idle_closed = 0;   // reusable, but idle_max were kept already
  std::uint64_t idle_expired = 0;  // closed after idle_timeout
};

// One request on its way, from waiting for a connection to the end of the response. Destroying it
// cancels: nothing is called back after that.
class ClientExchange {
 public:
  virtual ~ClientExchange() = default;
  // For Length and Chunked bodies, once on_request_writable() has come. False: wait for the next
  // one. The bytes are taken either way.
  virtual bool write_body(std::string_view piece) = 0;
  // The chunked body is complete.
  virtual void end_body() = 0;
  // Holds up the upstream by TCP until resumed.
  virtual void pause_response() = 0;
  virtual void resume_response() = 0;
  struct Upgraded {
    std::unique_ptr<uv::Stream> stream;  // no observer, not reading
    std::string unread;
  };
  // Once, after on_response with 101 (TAKO_CHECK).
  [[nodiscard]] virtual Upgraded take_stream() = 0;
};

class ClientPool {
 public:
  ClientPool(uv::Loop& loop, uv::TimerWheel& wheel, Origin origin, ClientPoolOptions options = {});
  ~ClientPool();  // All exchanges must be gone by now (TAKO_CHECK).
  ClientPool(const ClientPool&) = delete;
  ClientPool& operator=(const ClientPool&) = delete;

  // Never calls the observer from inside this call; it outlives the exchange.
  [[nodiscard]] std::unique_ptr<ClientExchange> start(ClientRequest request,
                                                      ResponseObserver& observer);

  [[nodiscard]] const Origin& origin() const noexcept;
  [[nodiscard]] const ClientPoolCounters& counters() const noexcept;
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept;  // busy, idle and connecting

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct WholeResponse {
  ResponseHead head;
  std::string body;
};

// One request with a small answer, as one callback. Destroying it cancels.
class Fetch final : private ResponseObserver {
 public:
  using OnDone = std::function<void(Result<WholeResponse>)>;
  // `on_done` comes once, never from inside the constructor, and may destroy the fetch. A body over
  // `body_bytes_max` is an Error (UpstreamUnavailable).
  Fetch(ClientPool& pool, ClientRequest request, std::size_t body_bytes_max, OnDone on_done);

 private:
  void on_response(ResponseHead head) override;
  void on_response_body(std::span<const std::byte> piece) override;
  void on_response_end() override;
  void on_failed(const Error& error) override;
  void finish(Result<WholeResponse> result);

  std::size_t body_bytes_max_;
  OnDone on_done_;
  WholeResponse response_;
  std::unique_ptr<ClientExchange> exchange_;
};

}  // namespace tako::http
