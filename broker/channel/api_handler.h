// ApiHandler: the app API as calls; the unix socket and the edges both enter here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tako::broker {

struct ApiRequest {
  std::string app;
  std::string method;
  std::string target;  // /v1/…
  std::string idempotency_key;
  std::string body;
};

struct ApiAnswer {
  std::uint32_t status = 500;
  std::string body;  // JSON
  std::int64_t retry_after_ms = 0;
};
using OnApiAnswer = std::function<void(ApiAnswer)>;

class ApiHandler {
 public:
  virtual ~ApiHandler() = default;
  // An app's call that came over a link: publish, batch, reads; nothing that streams. Answers
  // exactly once, possibly before handle() returns.
  virtual void handle(ApiRequest request, OnApiAnswer on_answer) = 0;
};

}  // namespace tako::broker
