// Publishes one message of an app.
#include "broker/api/publish.h"

#include <utility>

#include "broker/api/answer.h"
#include "broker/api/message_body.h"

namespace tako::broker {

Result<void> PublishApi::check_size(const MessageDraft& draft, const RuntimeLimits& limits) {
  // The publisher holds the bound of all apps; this one may have a smaller share.
  if (draft.data.size() <= limits.message_bytes_max) return {};
  ++counters_.message_bytes_max;
  return fail(ErrorCode::PayloadTooLarge,
              "data has more than " + std::to_string(limits.message_bytes_max) + " bytes");
}

Result<PublishRequest> PublishApi::parse_single(const Route& route, const ApiRequest& request,
                                                const RuntimeLimits& limits) {
  auto channel = definitions_.resolve_query(request.app, route.name, route.query);
  if (!channel) return std::unexpected(channel.error());
  auto body = parse_message_body(request.body, MessageForm::Single);
  if (!body) {
    count_limit(body.error(), counters_);
    return std::unexpected(body.error());
  }
  if (auto checked = check_size(body->draft, limits); !checked) {
    return std::unexpected(checked.error());
  }
  std::string& key = body->draft.message_id;
  if (!key.empty() && !request.idempotency_key.empty() && key != request.idempotency_key) {
    return fail(ErrorCode::BadRequest, "the Idempotency-Key header and idempotencyKey differ");
  }
  if (key.empty()) key = request.idempotency_key;
  return PublishRequest{.channel = std::move(*channel),
                        .message = std::move(body->draft),
                        .ephemeral = body->ephemeral,
                        .publisher = PublisherKind::App,
                        .ack = body->ack};
}

void PublishApi::publish(const Route& route, const ApiRequest& request, const RuntimeLimits& limits,
                         OnApiAnswer on_answer) {
  auto parsed = parse_single(route, request, limits);
  if (!parsed) {
    on_answer(error_answer(std::move(parsed.error())));
    return;
  }
  const bool is_ephemeral = parsed->ephemeral;
  publisher_.publish(std::move(*parsed),
                     [name = route.name, is_ephemeral,
                      on_answer = std::move(on_answer)](Result<Published> published) {
                       if (!published) {
                         on_answer(error_answer(std::move(published.error())));
                         return;
                       }
                       std::string out;
                       append_published(out, *published, name);
                       if (!is_ephemeral) {
                         out.pop_back();
                         out += R"(,"ack":")" + std::string(to_string(published->ack)) + R"("})";
                       }
                       const bool is_new = !is_ephemeral && !published->repeated;
                       on_answer(json_answer(is_new ? 201 : 200, std::move(out)));
                     });
}

}  // namespace tako::broker
