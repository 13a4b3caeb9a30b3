// NativeRequest: an HTTP request that waits for the link, the app or the broker before its answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/session/client.h"
#include "edge/session/services.h"

namespace tako::edge {

class NativeRequest;

// Owns all requests that wait. One that is done is destroyed later, never under its own callbacks.
class NativeRequests {
 public:
  // Takes the request in, and begins it.
  void begin(std::unique_ptr<NativeRequest> request);
  // nullptr when it is done: what comes of its questions is of no use.
  [[nodiscard]] NativeRequest* find(std::uint64_t number) const;
  void retire(std::uint64_t number);

 private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<NativeRequest>> waiting_;
  std::vector<std::unique_ptr<NativeRequest>> retired_;  // until the next request comes
};

class NativeRequest {
 public:
  NativeRequest(EdgeServices& services, NativeRequests& owner,
                std::shared_ptr<const ClientRequest> request, HttpExchange& exchange)
      : services_(services), owner_(owner), request_(std::move(request)), exchange_(&exchange) {}
  NativeRequest(const NativeRequest&) = delete;
  NativeRequest& operator=(const NativeRequest&) = delete;
  virtual ~NativeRequest() = default;

 protected:
  // The link stands: serves it.
  virtual void start() = 0;
  // There is no link in time.
  virtual void on_no_link(const Error& error) { refuse(error); }
  // The client is gone: lets go of what was asked.
  virtual void cancel() = 0;

  // Each answers once and for all; but a stream for which there is no room (LimitReached) is still
  // to be answered.
  void respond(int status, HttpExchange::Headers headers, std::string body);
  void refuse(const Error& error);
  [[nodiscard]] Result<void> accept_event_stream(std::unique_ptr<ClientHandler> handler);
  void accept_websocket(std::string_view subprotocol, std::unique_ptr<ClientHandler> handler);

  [[nodiscard]] bool is_answered() const { return exchange_ == nullptr; }
  [[nodiscard]] EdgeServices& services() { return services_; }
  [[nodiscard]] NativeRequests& owner() { return owner_; }
  [[nodiscard]] const ClientRequest& request() const { return *request_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  friend class NativeRequests;
  void begin();
  void retire();
  [[nodiscard]] HttpExchange& take_exchange();

  EdgeServices& services_;
  NativeRequests& owner_;
  std::uint64_t number_ = 0;
  std::shared_ptr<const ClientRequest> request_;
  HttpExchange* exchange_;  // null once answered, or the client is gone
  std::unique_ptr<LinkGate::Ticket> gate_ticket_;
};

}  // namespace tako::edge
