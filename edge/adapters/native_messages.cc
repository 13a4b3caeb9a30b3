// Asks the app, then the broker, and prints what comes.
#include "edge/adapters/native_messages.h"

#include <algorithm>
#include <charconv>

#include "common/limits.h"
#include "common/message_json.h"
#include "edge/adapters/client_publisher.h"

namespace tako::edge {
namespace {

const HttpExchange::Headers kJsonHeaders = {{"Content-Type", "application/json"},
                                            {"Cache-Control", "no-store"}};

Result<std::int64_t> integer_option(const std::vector<QueryPair>& pairs, std::string_view name,
                                    std::int64_t missing, std::int64_t least, std::int64_t most) {
  const std::string* text = query_value(pairs, name);
  if (text == nullptr) return missing;
  std::int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < least || value > most) {
    return fail(ErrorCode::BadRequest, std::string(name) + " must be a whole number from " +
                                           std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

Result<std::int64_t> limit_option(const std::vector<QueryPair>& pairs,
                                  const RuntimeLimits& limits) {
  const auto most = static_cast<std::int64_t>(limits.history_page_max);
  const auto usual = std::min(most, static_cast<std::int64_t>(limits::kHistoryPageDefault));
  auto limit = integer_option(pairs, "_limit", usual, 1, INT64_MAX);
  if (limit && *limit > most) {
    return fail_at(&LimitCounters::history_page_max, ErrorCode::BadRequest,
                   "_limit must be at most " + std::to_string(most));
  }
  return limit;
}

Result<std::optional<Cursor>> cursor_option(const std::vector<QueryPair>& pairs,
                                            std::string_view name) {
  const std::string* text = query_value(pairs, name);
  if (text == nullptr) return std::nullopt;
  const Result<Cursor> cursor = parse_cursor(*text);
  if (!cursor) {
    return fail(ErrorCode::CursorMalformed, "invalid '" + std::string(name) + "' cursor");
  }
  return *cursor;
}

std::string quoted(const Position& position) { return '"' + to_string(position) + '"'; }

// The page behind this one. An empty page that has one (before the oldest) stands in front of it.
std::string next_of(const FetchPage& page) {
  if (!page.more_after) return "null";
  if (!page.messages.empty()) return quoted(page.messages.back()->position);
  return quoted({page.window.oldest - 1, page.window.epoch});
}

std::string prev_of(const FetchPage& page) {
  if (!page.more_before || page.messages.empty()) return "null";
  return quoted(page.messages.front()->position);
}

}  // namespace

void AdmittedRequest::start() {
  Result<ChannelPlan> plan = plan_channel(services(), request(), name_);
  if (!plan) return refuse(plan.error());
  if (const auto checked = check_request(services(), request(), *plan); !checked) {
    return refuse(checked.error());
  }
  if (const auto checked = check(*plan->target.definition); !checked) {
    count_limit(checked.error(), services().limit_counters);
    return refuse(checked.error());
  }
  plan_ = std::make_unique<ChannelPlan>(std::move(*plan));
  if (plan_->target.is_public()) return on_admitted(plan_->target, Grant{});
  ticket_ = services().authorizer.authorize(
      make_authorize_call(plan_->target, operation_, plan_->credentials),
      [this](const Result<Grant>& answer) { on_answer(answer); });
}

void AdmittedRequest::on_answer(const Result<Grant>& answer) {
  if (!answer) return refuse(answer.error());
  if (!has_right(*answer, operation_)) return refuse(Error{ErrorCode::Forbidden});
  on_admitted(plan_->target, *answer);
}

Result<FetchRequest> parse_page_query(std::string_view raw_query, const RuntimeLimits& limits) {
  const Result<std::vector<QueryPair>> pairs = split_query(raw_query);
  if (!pairs) return std::unexpected(pairs.error());
  const auto after = cursor_option(*pairs, "_after");
  if (!after) return std::unexpected(after.error());
  const auto before = cursor_option(*pairs, "_before");
  if (!before) return std::unexpected(before.error());
  const auto until = cursor_option(*pairs, "_until");
  if (!until) return std::unexpected(until.error());
  if (static_cast<int>(after->has_value()) + before->has_value() + until->has_value() > 1) {
    return fail(ErrorCode::BadRequest, "_after, _before and _until exclude each other");
  }
  const auto limit = limit_option(*pairs, limits);
  if (!limit) return std::unexpected(limit.error());
  const auto from = integer_option(*pairs, "_from", 0, 0, INT64_MAX);
  if (!from) return std::unexpected(from.error());
  const auto to = integer_option(*pairs, "_to", 0, 0, INT64_MAX);
  if (!to) return std::unexpected(to.error());
  FetchRequest request;
  request.after = *after;
  request.before = *until ? *until : *before;
  request.with_before = until->has_value();
  request.from_ms = *from;
  request.to_ms = *to;
  request.limit = static_cast<std::uint32_t>(*limit);
  request.bytes_max = static_cast<std::uint32_t>(limits.history_page_bytes_max);
  return request;
}

Result<void> HistoryRequest::check(const Definition& /*definition*/) {
  Result<FetchRequest> fetch = parse_page_query(request().query, services().limits);
  if (!fetch) return std::unexpected(std::move(fetch.error()));
  fetch_ = std::move(*fetch);
  return {};
}

void HistoryRequest::on_admitted(const ChannelTarget& target, const Grant& /*grant*/) {
  ++services().counters.history_reads;
  fetch_.channel = target.channel;
  NativeRequests& requests = owner();
  services().broker.fetch(fetch_, [&requests, number = number()](const Result<FetchPage>& page) {
    if (auto* self = requests.find(number)) static_cast<HistoryRequest*>(self)->on_page(page);
  });
}

void HistoryRequest::on_page(const Result<FetchPage>& page) {
  if (!page) return refuse(page.error());
  if (page->gap) return refuse(Error{ErrorCode::ReplayTooOld});
  respond(200, kJsonHeaders, page_json(*page, fetch_.channel));
}

std::string page_json(const FetchPage& page, const ChannelIdentity& channel) {
  std::string json = R"({"messages":[)";
  for (const MessagePtr& message : page.messages) {
    if (json.back() == '}') json += ',';
    append_message_json(json, {.position = message->position,
                               .channel = channel.name,
                               .type = message->type,
                               .data = message->data,
                               .encoding = message->encoding,
                               .subject = message->subject});
  }
  json += R"(],"next":)" + next_of(page);
  json += R"(,"prev":)" + prev_of(page) + '}';
  return json;
}

Result<void> PublishOnceRequest::check(const Definition& definition) {
  if (request().body.size() > services().limits.client_message_bytes_max) {
    return fail_at(&LimitCounters::client_message_bytes_max, ErrorCode::PayloadTooLarge);
  }
  const Result<ClientFrame> frame = parse_client_frame(request().body);
  if (!frame) return std::unexpected(frame.error());
  Result<ClientMessage> message = parse_client_message(*frame);
  if (!message) return std::unexpected(std::move(message.error()));
  message_ = std::move(*message);
  if (const std::string* key = request().header("idempotency-key")) {
    if (key->empty() || key->size() > limits::kIdempotencyKeyMax) {
      return fail_at(key->empty() ? nullptr : &LimitCounters::idempotency_key_max,
                     ErrorCode::BadRequest, "Idempotency-Key must have 1 to 256 bytes");
    }
    message_.idempotency_key = *key;
  }
  const Result<HandlerKind> handler = check_handler(definition, message_);
  if (!handler) return std::unexpected(handler.error());
  handler_ = *handler;
  return {};
}

void PublishOnceRequest::on_admitted(const ChannelTarget& target, const Grant& grant) {
  const auto rated = services().rates.take({.connection = 0,
                                            .subject = grant.subject,
                                            .channel = target.channel,
                                            .definition = *target.definition});
  if (!rated) {
    ++services().counters.client_messages_refused;
    return refuse(rated.error());
  }
  ++services().counters.client_messages;
  channel_ = target.channel.name;
  subject_ = grant.subject;
  const auto told = [&requests = owner(), number = number()](const Result<Published>& published) {
    if (auto* self = requests.find(number)) {
      static_cast<PublishOnceRequest*>(self)->on_told(published);
    }
  };
  PublishLines& publishes = services().publishes;
  const auto sent = publishes.send(publishes.new_line(),
                                   {.publish = {.channel = target.channel,
                                                .type = message_.type,
                                                .data = message_.data,
                                                .encoding = Encoding::Json,
                                                .ephemeral = handler_ == HandlerKind::Ephemeral,
                                                .subject = grant.subject,
                                                .connection = {},
                                                .idempotency_key = message_.idempotency_key},
                                    .handler = handler_,
                                    .params = target.params,
                                    .ip = request().ip},
                                   told);
  if (!sent) on_told(std::unexpected(sent.error()));
}

// 201 with the message as it is stored; 200 for a repeated key, and for what is not stored.
void PublishOnceRequest::on_told(const Result<Published>& published) {
  if (!published) {
    ++services().counters.client_messages_refused;
    return refuse(published.error());
  }
  if (published->is_dropped) return respond(200, kJsonHeaders, R"({"dropped":true})");
  const PublishAck& ack = published->ack;
  std::string json;
  append_message_json(json, {.position = ack.position,
                             .channel = channel_,
                             .type = message_.type,
                             .data = published->data ? *published->data : message_.data,
                             .encoding = Encoding::Json,
                             .subject = subject_});
  const bool is_new = ack.position.offset != 0 && !ack.repeated_key;
  respond(is_new ? 201 : 200, kJsonHeaders, std::move(json));
}

}  // namespace tako::edge
