// Lets a request wait for the link, answers it once, and forgets it.
#include "edge/adapters/native_request.h"

#include <utility>

#include "common/check.h"

namespace tako::edge {

void NativeRequests::begin(std::unique_ptr<NativeRequest> request) {
  retired_.clear();
  NativeRequest& begun = *request;
  begun.number_ = ++last_;
  waiting_.emplace(begun.number_, std::move(request));
  begun.begin();
}

NativeRequest* NativeRequests::find(std::uint64_t number) const {
  const auto found = waiting_.find(number);
  return found == waiting_.end() ? nullptr : found->second.get();
}

void NativeRequests::retire(std::uint64_t number) {
  auto node = waiting_.extract(number);
  if (!node.empty()) retired_.push_back(std::move(node.mapped()));
}

void NativeRequest::begin() {
  exchange_->on_gone([this] {
    gate_ticket_.reset();
    cancel();
    retire();
  });
  if (services_.gate.is_open()) {
    start();
    return;
  }
  gate_ticket_ = services_.gate.wait([this](const Result<void>& passed) {
    gate_ticket_.reset();
    if (passed) {
      start();
    } else {
      on_no_link(passed.error());
    }
  });
}

void NativeRequest::retire() {
  exchange_ = nullptr;
  owner_.retire(number_);
}

HttpExchange& NativeRequest::take_exchange() {
  TAKO_CHECK(exchange_ != nullptr);
  HttpExchange& exchange = *exchange_;
  retire();
  return exchange;
}

void NativeRequest::respond(int status, HttpExchange::Headers headers, std::string body) {
  take_exchange().respond(status, std::move(headers), std::move(body));
}

void NativeRequest::refuse(const Error& error) {
  Error told = error;
  // Over HTTP the words that clients of the original know; the code says the same as a close does.
  if (told.code == ErrorCode::VerifyRejected && told.detail.empty()) told.detail = "Forbidden";
  if (told.info().retryable && told.retry_after_ms == 0) {
    told.retry_after_ms = retry_with_jitter_ms(services_.random);
  }
  take_exchange().refuse(told);
}

Result<void> NativeRequest::accept_event_stream(std::unique_ptr<ClientHandler> handler) {
  TAKO_CHECK(exchange_ != nullptr);
  Result<void> accepted = exchange_->accept_event_stream(std::move(handler));
  if (accepted) retire();
  return accepted;
}

void NativeRequest::accept_websocket(std::string_view subprotocol,
                                     std::unique_ptr<ClientHandler> handler) {
  TAKO_CHECK(exchange_ != nullptr);
  const Result<void> accepted = exchange_->accept_websocket(subprotocol, std::move(handler));
  if (!accepted) return refuse(accepted.error());
  retire();
}

}  // namespace tako::edge
