// Key, body, link, answer: one exchange per call.
#include "edge/server/api_gateway.h"

#include <utility>

#include "common/check.h"
#include "common/http/collected_exchange.h"
#include "common/http/response.h"
#include "common/limits.h"

namespace tako::edge {
namespace {

constexpr std::string_view kPrefix = "/_tako/api";

}  // namespace

class ApiExchange final : public http::CollectedExchange {
 public:
  ApiExchange(http::ServerConnection& connection, std::size_t body_bytes_max, ApiGateway& gateway,
              ApiRequest request)
      : CollectedExchange(connection, body_bytes_max),
        gateway_(gateway),
        request_(std::move(request)) {}
  ~ApiExchange() override { gateway_.forget(number_); }

  void answer(const Result<ApiAnswer>& answer) {
    number_ = 0;
    if (!answer) return connection().respond_error(answer.error());
    http::Response response = http::json_response(static_cast<int>(answer->status), answer->body);
    if (answer->retry_after_ms > 0) {
      response.headers.add("Retry-After", std::to_string((answer->retry_after_ms + 999) / 1000));
    }
    connection().respond(response);
  }

 private:
  void on_request_whole(std::string body) override {
    request_.body = std::move(body);
    number_ = gateway_.call(std::move(request_), *this);
  }

  ApiGateway& gateway_;
  ApiRequest request_;
  ApiGateway::CallNumber number_ = 0;
};

ApiGateway::ApiGateway(const Clock& clock, const RuntimeLimits& limits,
                       LimitCounters& limit_counters, ServerSideCounters& counters,
                       BrokerPort& broker)
    : limit_counters_(limit_counters),
      counters_(counters),
      body_bytes_max_(limits.batch_bytes_max),
      broker_(broker),
      failures_(clock, limits.api_key_failures_max) {}

ApiGateway::~ApiGateway() { TAKO_CHECK(waiting_.empty()); }

bool ApiGateway::owns_path(std::string_view path) {
  return path.starts_with(kPrefix) && path.substr(kPrefix.size()).starts_with('/');
}

std::unique_ptr<http::Exchange> ApiGateway::serve(http::ServerConnection& connection,
                                                  const http::RequestHead& head, Site& site,
                                                  std::string_view client_ip) {
  if (const std::int64_t wait_ms = failures_.blocked_for_ms(client_ip); wait_ms > 0) {
    ++limit_counters_.api_key_failures_max;
    connection.respond_error({.code = ErrorCode::RateLimited, .retry_after_ms = wait_ms});
    return nullptr;
  }
  if (!is_app_key(head.headers.find("authorization").value_or(""), site.app().keys)) {
    ++counters_.api_keys_refused;
    failures_.note(client_ip);
    http::Response response = http::error_response(Error{.code = ErrorCode::KeyInvalid});
    response.headers.add("WWW-Authenticate", "Bearer");
    connection.respond(response);
    return nullptr;
  }
  ++counters_.api_calls;
  ApiRequest request;
  request.app = site.app().id;
  request.method = head.method;
  request.target = head.path().substr(kPrefix.size());
  if (!head.query().empty()) request.target.append("?").append(head.query());
  request.idempotency_key = head.headers.find("idempotency-key").value_or("");
  return std::make_unique<ApiExchange>(connection, body_bytes_max_, *this, std::move(request));
}

ApiGateway::CallNumber ApiGateway::call(ApiRequest request, ApiExchange& exchange) {
  const CallNumber number = ++last_number_;
  waiting_.emplace(number, &exchange);
  const auto deliver = [this, number,
                        alive = std::weak_ptr(alive_)](const Result<ApiAnswer>& answer) {
    if (!alive.expired()) on_answer(number, answer);
  };
  broker_.api_call(std::move(request), deliver);
  return number;
}

void ApiGateway::forget(CallNumber number) { waiting_.erase(number); }

void ApiGateway::on_answer(CallNumber number, const Result<ApiAnswer>& answer) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;  // The client did not wait.
  ApiExchange& exchange = *found->second;
  waiting_.erase(found);
  exchange.answer(answer);
}

}  // namespace tako::edge
