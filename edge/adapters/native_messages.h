// The route …/<name>/messages: reading a channel's history, and publishing without a connection.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "edge/adapters/channel_plan.h"
#include "edge/adapters/client_message.h"
#include "edge/adapters/native_request.h"

namespace tako::edge {

// A request that the app has to allow before it is served.
class AdmittedRequest : public NativeRequest {
 public:
  AdmittedRequest(EdgeServices& services, NativeRequests& owner,
                  std::shared_ptr<const ClientRequest> request, HttpExchange& exchange,
                  std::string name, Operation operation)
      : NativeRequest(services, owner, std::move(request), exchange),
        name_(std::move(name)),
        operation_(operation) {}

 protected:
  // What is wrong with the request by itself, once its channel is known.
  [[nodiscard]] virtual Result<void> check(const Definition& definition) = 0;
  virtual void on_admitted(const ChannelTarget& target, const Grant& grant) = 0;

 private:
  void start() override;
  void cancel() override { ticket_.reset(); }
  void on_answer(const Result<Grant>& answer);

  std::string name_;
  Operation operation_;
  std::unique_ptr<ChannelPlan> plan_;
  std::unique_ptr<Authorizer::Ticket> ticket_;
};

// GET: one page, ascending, with the cursors of its neighbours.
class HistoryRequest final : public AdmittedRequest {
 public:
  HistoryRequest(EdgeServices& services, NativeRequests& owner,
                 std::shared_ptr<const ClientRequest> request, HttpExchange& exchange,
                 std::string name)
      : AdmittedRequest(services, owner, std::move(request), exchange, std::move(name),
                        Operation::History) {}

 private:
  Result<void> check(const Definition& definition) override;
  void on_admitted(const ChannelTarget& target, const Grant& grant) override;
  void on_page(const Result<FetchPage>& page);

  FetchRequest fetch_;
};

// POST of a client message. Like one of a connection it is seen through when the client has gone.
class PublishOnceRequest final : public AdmittedRequest {
 public:
  PublishOnceRequest(EdgeServices& services, NativeRequests& owner,
                     std::shared_ptr<const ClientRequest> request, HttpExchange& exchange,
                     std::string name)
      : AdmittedRequest(services, owner, std::move(request), exchange, std::move(name),
                        Operation::Publish) {}

 private:
  Result<void> check(const Definition& definition) override;
  void on_admitted(const ChannelTarget& target, const Grant& grant) override;
  void on_told(const Result<Published>& published);

  ClientMessage message_;
  HandlerKind handler_ = HandlerKind::Relay;
  std::string channel_;
  std::string subject_;
};

// The `_after`, `_before`, `_until`, `_limit`, `_from`, `_to` of a query. Errors: CursorMalformed,
// BadRequest, ParamsInvalid.
[[nodiscard]] Result<FetchRequest> parse_page_query(std::string_view raw_query,
                                                    const RuntimeLimits& limits);
// {"messages","next","prev"}.
[[nodiscard]] std::string page_json(const FetchPage& page, const ChannelIdentity& channel);

}  // namespace tako::edge
