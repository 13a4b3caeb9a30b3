// Prints answers.
#include "broker/api/answer.h"

#include <utility>

#include "common/json_text.h"
#include "common/message_json.h"

namespace tako::broker {
namespace {

constexpr std::int64_t kRetryAfterMs = 1'000;

}  // namespace

ApiAnswer error_answer(Error error) {
  const std::uint16_t status = error.info().http_status;
  const bool asks_to_wait = status == 429 || status == 503 || status == 507;
  if (asks_to_wait && error.retry_after_ms == 0) error.retry_after_ms = kRetryAfterMs;
  return {.status = status, .body = error_json(error), .retry_after_ms = error.retry_after_ms};
}

ApiAnswer json_answer(std::uint32_t status, std::string body) {
  return {.status = status, .body = std::move(body), .retry_after_ms = 0};
}

void append_stored(std::string& out, const StoredMessage& message, std::string_view channel_name) {
  append_message_json(out, {.position = message.position(),
                            .channel = channel_name,
                            .type = message.type(),
                            .data = message.data(),
                            .encoding = message.encoding(),
                            .subject = message.subject()});
}

void append_published(std::string& out, const Published& published, std::string_view channel_name) {
  if (published.message) {
    append_stored(out, *published.message, channel_name);
    return;
  }
  out += R"({"id":")" + to_string(published.position) + R"("})";
}

}  // namespace tako::broker
