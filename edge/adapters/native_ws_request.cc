// Chooses between an HTTP refusal, a close code, and a dialect.
#include "edge/adapters/native_ws_request.h"

#include <utility>

#include "common/ascii.h"
#include "edge/adapters/channel_plan.h"
#include "edge/adapters/native_ws_plain.h"
#include "edge/adapters/native_ws_refusal.h"
#include "edge/adapters/native_ws_rich.h"
#include "edge/adapters/presence_options.h"

namespace tako::edge {

bool offers_rich(const ClientRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (name != "sec-websocket-protocol") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      if (ascii::trimmed(rest.substr(0, comma)) == kRichSubprotocol) return true;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return false;
}

void WsRequest::start() {
  if (name_.empty()) return start_bare();
  Result<ChannelPlan> plan = plan_channel(services(), request(), name_);
  const bool is_by_cookie = plan && plan->credentials.is_by_cookie();
  if (!services().origins.of(request().app).accepts(request(), is_by_cookie)) {
    ++services().counters.refused_by_origin;
    return refuse(Error{ErrorCode::OriginRefused});
  }
  if (!plan) return close_with(plan.error().code);
  const Definition& definition = *plan->target.definition;
  // A missing header can still come in an envelope, a missing cookie can't.
  if (plan->lacks_credential() && !definition.auth->header_name) {
    return close_with(ErrorCode::AuthFrameMissing);
  }
  if (definition.transport == Transport::Sse) return close_with(ErrorCode::TransportNotEnabled);
  const Result<std::optional<Cursor>> cursor = requested_cursor(request(), false);
  if (!cursor) return close_with(cursor.error().code);
  auto presence = presence_of_query(request().query, definition);
  if (!presence) {
    count_limit(presence.error(), services().limit_counters);
    return refuse(presence.error());
  }
  const Result<Rewind> rewind = requested_rewind(request());
  if (!rewind) {
    count_limit(rewind.error(), services().limit_counters);
    return close_with(rewind.error().code);
  }
  accept(std::make_unique<SubscriptionRequest>(
      SubscriptionRequest{.call = std::move(plan->call),
                          .target = std::move(plan->target),
                          .credentials = std::move(plan->credentials),
                          .operation = Operation::Connect,
                          .cursor = *cursor,
                          .rewind = *rewind,
                          .form = offers_rich(request()) ? WireForm::WsRich : WireForm::WsPlain,
                          .presence = *std::move(presence)}));
}

void WsRequest::start_bare() {
  if (!services().origins.of(request().app).accepts(request(), false)) {
    ++services().counters.refused_by_origin;
    return refuse(Error{ErrorCode::OriginRefused});
  }
  accept(nullptr);
}

void WsRequest::accept(std::unique_ptr<SubscriptionRequest> first) {
  if (!offers_rich(request())) {
    accept_websocket({}, std::make_unique<NativeWsPlain>(services(), book_, std::move(first)));
    return;
  }
  ClientRequest kept = keep_credentials(request(), *services().definitions.of(request().app));
  accept_websocket(kRichSubprotocol, std::make_unique<NativeWsRich>(
                                         services(), book_, std::move(first), std::move(kept)));
}

void WsRequest::close_with(ErrorCode code) {
  ++services().counters.subscriptions_refused;
  accept_websocket(offers_rich(request()) ? kRichSubprotocol : std::string_view(),
                   std::make_unique<WsRefusal>(code));
}

}  // namespace tako::edge
