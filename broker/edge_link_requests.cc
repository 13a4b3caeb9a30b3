// What an edge asks, and its answers: pages, clients' messages, calls of the app API.
#include <algorithm>
#include <utility>

#include "broker/channel/history.h"
#include "broker/edge_frames.h"
#include "broker/edge_link.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

constexpr std::int64_t kRetryAfterMs = 1'000;
// A page, with a whole batch over its bound, fits one frame.
constexpr std::size_t kFetchBytesMax = 2 * limits::kMiB;

Result<PageRequest> page_request(const proto::Fetch& fetch) {
  PageRequest page{.from_ms = fetch.from_ms(),
                   .to_ms = fetch.to_ms(),
                   .limit = fetch.limit(),
                   .bytes_max = kFetchBytesMax,
                   .whole_batches = true};
  if (fetch.bytes_max() > 0)
    page.bytes_max = std::min<std::size_t>(fetch.bytes_max(), kFetchBytesMax);
  if (fetch.has_after()) {
    auto after = decode_cursor(fetch.after());
    if (!after) return std::unexpected(std::move(after.error()));
    page.after = *after;
  }
  if (fetch.has_before()) {
    auto before = decode_cursor(fetch.before());
    if (!before) return std::unexpected(std::move(before.error()));
    page.before = *before;
    page.with_before = fetch.with_before();
  }
  return page;
}

}  // namespace

bool EdgeLink::is_request_over_limit() {
  if (requests_ + calls_.size() + fetches_.size() < parts_.limits.link_pending_requests_max)
    return false;
  ++parts_.limit_counters.link_pending_requests_max;
  return true;
}

void EdgeLink::fetch(proto::Fetch& fetch) {
  if (is_request_over_limit()) {
    return reply_fetch_error(fetch.request(), {ErrorCode::LimitReached});
  }
  fetches_.push_back(std::move(fetch));
  sink_.schedule_flush();
}

// One at a time: a page may have to be read from disk, and pages are large.
void EdgeLink::serve_fetch() {
  const proto::Fetch fetch = std::move(fetches_.front());
  fetches_.pop_front();
  const auto request = page_request(fetch);
  if (!request) return reply_fetch_error(fetch.request(), request.error());
  is_fetching_ = true;
  read_page(parts_.table, fetch.app(), fetch.key(), *request,
            [&registry = registry_, id = id_, number = fetch.request()](const Result<Page>& page) {
              if (EdgeLink* link = registry.find(id)) link->reply_fetch(number, page);
            });
}

void EdgeLink::reply_fetch(std::uint64_t request, const Result<Page>& page) {
  is_fetching_ = false;
  sink_.schedule_flush();
  if (!page) return reply_fetch_error(request, page.error());
  proto::FetchReply head;
  head.set_request(request);
  *head.mutable_window() = encode_window(page->window);
  head.set_gap(page->gap.has_value());
  if (page->gap) head.set_gap_reason(static_cast<std::uint32_t>(*page->gap));
  head.set_more_after(page->more_after);
  head.set_more_before(page->more_before);
  registry_.counters().records_out_total += page->messages.size();
  outbox_.add(encode_fetch_reply(head, page->messages));
}

void EdgeLink::publish(proto::Publish& publish) {
  const std::uint64_t request = publish.request();
  if (is_request_over_limit()) {
    return reply_publish(request, fail(ErrorCode::LimitReached));
  }
  if (publish.encoding() > proto::ENCODING_BINARY) {
    return reply_publish(request, fail(ErrorCode::BadRequest, "an unknown encoding"));
  }
  PublishRequest wanted{.channel = {.app = std::move(*publish.mutable_app()),
                                    .name = std::move(*publish.mutable_name()),
                                    .key = std::move(*publish.mutable_key()),
                                    .params_json = std::move(*publish.mutable_params_json())},
                        .message = {.type = std::move(*publish.mutable_type()),
                                    .data = std::move(*publish.mutable_data()),
                                    .encoding = static_cast<Encoding>(publish.encoding()),
                                    .subject = std::move(*publish.mutable_subject()),
                                    .connection = std::move(*publish.mutable_connection()),
                                    .message_id = std::move(*publish.mutable_idempotency_key())},
                        .ephemeral = publish.ephemeral(),
                        .publisher = PublisherKind::Client,
                        .sent = std::move(*publish.mutable_sent())};
  ++requests_;
  const auto on_published = [&registry = registry_, id = id_,
                             request](const Result<Published>& published) {
    EdgeLink* link = registry.find(id);
    if (link == nullptr) return;
    --link->requests_;
    link->reply_publish(request, published);
  };
  parts_.publisher.publish(std::move(wanted), on_published);
}

void EdgeLink::call_api(proto::ApiCall& call) {
  if (is_request_over_limit()) {
    const Error error{ErrorCode::LimitReached};
    return reply_api(call.request(), {.status = error.info().http_status,
                                      .body = error_json(error),
                                      .retry_after_ms = kRetryAfterMs});
  }
  calls_.push_back(std::move(call));
  sink_.schedule_flush();
}

void EdgeLink::serve_call() {
  proto::ApiCall call = std::move(calls_.front());
  calls_.pop_front();
  const std::uint64_t request = call.request();
  ++requests_;
  const auto on_answer = [&registry = registry_, id = id_, request](ApiAnswer answer) {
    EdgeLink* link = registry.find(id);
    if (link == nullptr) return;
    --link->requests_;
    link->reply_api(request, std::move(answer));
  };
  parts_.api.handle({.app = std::move(*call.mutable_app()),
                     .method = std::move(*call.mutable_method()),
                     .target = std::move(*call.mutable_target()),
                     .idempotency_key = std::move(*call.mutable_idempotency_key()),
                     .body = std::move(*call.mutable_body())},
                    on_answer);
}

void EdgeLink::reply_publish(std::uint64_t request, const Result<Published>& published) {
  proto::BrokerItem item;
  proto::PublishReply& answer = *item.mutable_publish_reply();
  answer.set_request(request);
  if (published) {
    answer.set_offset(published->position.offset);
    answer.set_epoch(published->position.epoch.value);
    answer.set_repeated_key(published->repeated);
  } else {
    const Error& error = published.error();
    answer.set_error(static_cast<std::uint32_t>(error.code));
    answer.set_error_detail(error.detail);
    const std::int64_t retry_after_ms = error.info().retryable ? kRetryAfterMs : 0;
    answer.set_retry_after_ms(error.retry_after_ms > 0 ? error.retry_after_ms : retry_after_ms);
  }
  reply(item);
}

void EdgeLink::reply_api(std::uint64_t request, ApiAnswer answer) {
  if (answer.body.size() > limits::kLinkFrameBytesMax / 2) {
    ++parts_.limit_counters.link_frame_bytes_max;
    const Error error{ErrorCode::PayloadTooLarge,
                      "the answer is too large for a link: ask for less"};
    answer = {.status = error.info().http_status, .body = error_json(error)};
  }
  proto::BrokerItem item;
  proto::ApiReply& reply_item = *item.mutable_api_reply();
  reply_item.set_request(request);
  reply_item.set_status(answer.status);
  reply_item.set_body(std::move(answer.body));
  reply_item.set_retry_after_ms(answer.retry_after_ms);
  reply(item);
}

void EdgeLink::reply_fetch_error(std::uint64_t request, const Error& error) {
  proto::BrokerItem item;
  proto::FetchReply& answer = *item.mutable_fetch_reply();
  answer.set_request(request);
  answer.set_error(static_cast<std::uint32_t>(error.code));
  answer.set_error_detail(error.detail);
  reply(item);
}

}  // namespace tako::broker
