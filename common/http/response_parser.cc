// Judges response heads.
#include "common/http/response_parser.h"

#include <utility>

#include "common/http/message_parser.h"

namespace tako::http {

class ResponseParser::Impl final : public MessageParser {
 public:
  explicit Impl(bool to_head) : MessageParser(HTTP_RESPONSE), to_head_(to_head) {}

  // What finish() makes of the end of the connection.
  [[nodiscard]] bool ends_with_connection() const {
    return is_in_body() && framing_ == BodyFraming::UntilClose;
  }

  ResponseHead head;
  bool is_untouched = true;

 private:
  std::optional<ParseError> on_head_complete() override {
    if (auto refused = read_version()) return refused;
    if (llhttp_.status_code < 100 || llhttp_.status_code > 599) {
      return ParseError{400, ErrorCode::BadRequest, "a status that is not between 100 and 599"};
    }
    Framing framing;
    if (auto refused = read_framing(framing)) return refused;
    head = ResponseHead{};
    head.status = llhttp_.status_code;
    head.reason = std::exchange(text_, {});
    head.version_minor = llhttp_.http_minor;
    head.headers = std::exchange(headers_, {});
    head.keep_alive = head.version_minor == 1 ? !head.headers.has_token("connection", "close")
                                              : head.headers.has_token("connection", "keep-alive");
    set_body(framing);
    return std::nullopt;
  }

  // RFC 9112 6.3. llhttp would wait for the body that a 304 or an answer to HEAD only describes.
  void set_body(const Framing& framing) {
    const int status = head.status;
    const bool has_no_body = status < 200 || status == 204 || status == 304 || to_head_;
    if (has_no_body) {
      llhttp_.flags |= F_SKIPBODY;
      head.content_length = framing.content_length;
      framing_ = BodyFraming::None;
    } else if (framing.body == BodyFraming::None && head.headers.count("content-length") == 0) {
      framing_ = BodyFraming::UntilClose;
      head.keep_alive = false;
    } else {
      framing_ = framing.body;
      head.content_length = framing.content_length;
    }
    head.body = framing_;
  }

  bool to_head_;
  BodyFraming framing_ = BodyFraming::None;
};

ResponseParser::ResponseParser(bool to_head) : impl_(std::make_unique<Impl>(to_head)) {}

ResponseParser::~ResponseParser() = default;

ParseStep ResponseParser::next(std::span<const std::byte> input) {
  if (!input.empty()) impl_->is_untouched = false;
  return impl_->next(input);
}

ResponseHead ResponseParser::take_head() { return std::exchange(impl_->head, {}); }

ParseStep ResponseParser::finish() {
  if (impl_->ends_with_connection()) return {.event = ParseEvent::End};
  return {.event = ParseEvent::Failed,
          .error = {400, ErrorCode::BadRequest, "the connection ended inside the response"}};
}

bool ResponseParser::is_untouched() const noexcept { return impl_->is_untouched; }

}  // namespace tako::http
