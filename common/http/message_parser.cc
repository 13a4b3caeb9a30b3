// Drives llhttp one event at a time.
#include "common/http/message_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/limits.h"

namespace tako::http {

namespace {

std::string_view without_outer_space(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t");
  return end == text.npos ? std::string_view{} : text.substr(0, end + 1);
}

ParseError bad(std::string_view reason) { return {400, ErrorCode::BadRequest, reason}; }

}  // namespace

MessageParser::MessageParser(llhttp_type_t type) : type_(type) { begin_message(); }

void MessageParser::begin_message() {
  llhttp_init(&llhttp_, type_, &settings());
  llhttp_.data = this;
  phase_ = Phase::Head;
  scanner_ = HeadScanner();
  head_bytes_ = 0;
  overhead_bytes_ = 0;
  is_headers_complete_ = false;
  is_message_complete_ = false;
}

bool MessageParser::is_between_messages() const noexcept {
  return phase_ == Phase::Head && !scanner_.has_begun();
}

ParseStep MessageParser::next(std::span<const std::byte> input) {
  switch (phase_) {
    case Phase::Head:
      return read_head(input);
    case Phase::Body:
      return read_body(input);
    case Phase::Failed:
      break;
  }
  return {.event = ParseEvent::Failed, .error = failure_};
}

ParseStep MessageParser::fail(const ParseError& error) {
  phase_ = Phase::Failed;
  failure_ = error;
  return {.event = ParseEvent::Failed, .error = error};
}

// Feeds llhttp the head and not a byte more, as our own scan sees its end: if the two disagree,
// somebody else on the path may disagree too.
ParseStep MessageParser::read_head(std::span<const std::byte> input) {
  if (input.empty()) return {};  // llhttp would lose its place in a field that is cut here.
  const std::size_t room = limits::kHttpHeadBytesMax - head_bytes_;
  const HeadScanner::Outcome outcome = scanner_.scan(input.first(std::min(room, input.size())));
  const auto* begin = reinterpret_cast<const char*>(input.data());
  const llhttp_errno_t error = llhttp_execute(&llhttp_, begin, outcome.used);
  head_bytes_ += outcome.used;
  // HTTP/2's preface, before anything that only those see who got more of it in one read: llhttp
  // goes on to the "SM" behind its head.
  if (llhttp_.method == HTTP_PRI) return fail(describe(HPE_PAUSED_H2_UPGRADE));
  if (refusal_) return fail(*std::exchange(refusal_, std::nullopt));
  if (error != HPE_OK && error != HPE_PAUSED) return fail(describe(error));
  if (!outcome.refusal.empty()) return fail(bad(outcome.refusal));
  if (is_headers_complete_ != outcome.is_complete) {
    return fail(bad("a head whose end is ambiguous"));
  }
  if (!is_headers_complete_) {
    if (head_bytes_ < limits::kHttpHeadBytesMax) return {.consumed = outcome.used};
    return fail({431, ErrorCode::HeadTooLarge, "the head is larger than 16 KiB"});
  }
  if (const std::optional<ParseError> refused = on_head_complete()) return fail(*refused);
  phase_ = Phase::Body;
  return {.event = ParseEvent::Head, .consumed = outcome.used};
}

ParseStep MessageParser::read_body(std::span<const std::byte> input) {
  if (llhttp_get_errno(&llhttp_) == HPE_PAUSED) llhttp_resume(&llhttp_);
  piece_ = {};
  // Never null, for the same reason; without input the end of the message may still come.
  const char* begin = input.empty() ? "" : reinterpret_cast<const char*>(input.data());
  const llhttp_errno_t error = llhttp_execute(&llhttp_, begin, input.size());
  if (error != HPE_OK && error != HPE_PAUSED) return fail(describe(error));
  const std::size_t consumed =
      error == HPE_OK ? input.size()
                      : static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - begin);
  if (!piece_.empty()) {
    overhead_bytes_ = 0;
    return {.event = ParseEvent::Body, .consumed = consumed, .body = piece_};
  }
  overhead_bytes_ += consumed;
  if (overhead_bytes_ > limits::kHttpChunkOverheadBytesMax) {
    return fail(bad(kWordyChunks));
  }
  if (!is_message_complete_) return {.consumed = consumed};
  begin_message();
  return {.event = ParseEvent::End, .consumed = consumed};
}

std::optional<ParseError> MessageParser::read_version() const {
  if (llhttp_.http_major == 1 && llhttp_.http_minor <= 1) return std::nullopt;
  return ParseError{505, ErrorCode::BadRequest, "a version that is neither HTTP/1.1 nor HTTP/1.0"};
}

std::optional<ParseError> MessageParser::read_framing(Framing& framing) const {
  const auto codings = headers_.all("transfer-encoding");
  const auto lengths = headers_.all("content-length");
  if (!codings.empty()) {
    if (!lengths.empty()) return bad("both Transfer-Encoding and Content-Length");
    if (codings.size() > 1 || !equal_ignoring_case(codings[0], "chunked")) {
      return bad("a Transfer-Encoding that is not just chunked");
    }
    if (llhttp_.http_minor == 0) return bad("Transfer-Encoding in HTTP/1.0");
    framing.body = BodyFraming::Chunked;
    return std::nullopt;
  }
  if (lengths.empty()) return std::nullopt;
  const std::string_view text = lengths[0];
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), framing.content_length);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (lengths.size() > 1 || !is_number) return bad("a Content-Length that is not one number");
  framing.body = framing.content_length == 0 ? BodyFraming::None : BodyFraming::Length;
  return std::nullopt;
}

ParseError MessageParser::describe(llhttp_errno_t error) const {
  switch (error) {
    case HPE_INVALID_VERSION:
      // Of a good version too, when more follows it on its line.
      return read_version().value_or(bad("a malformed start line"));
    case HPE_INVALID_URL:
      return bad("a malformed request target");
    case HPE_INVALID_HEADER_TOKEN:
      return bad("a malformed header line");
    case HPE_INVALID_CONTENT_LENGTH:
      return bad("a Content-Length that is not one number");
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return bad("Content-Length twice, or beside Transfer-Encoding");
    case HPE_INVALID_TRANSFER_ENCODING:
      return bad("a Transfer-Encoding that is not just chunked");
    case HPE_INVALID_CHUNK_SIZE:
      return bad("a malformed chunk size");
    default:
      return bad("malformed HTTP");
  }
}

const llhttp_settings_t& MessageParser::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_text;
    settings.on_status = on_text;
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_header_value_complete = on_value_complete;
    settings.on_headers_complete = on_headers_complete;
    settings.on_body = on_body;
    settings.on_message_complete = on_message_complete;
    return settings;
  }();
  return kSettings;
}

MessageParser& MessageParser::self_of(llhttp_t* parser) noexcept {
  return *static_cast<MessageParser*>(parser->data);
}

int MessageParser::on_text(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  MessageParser& self = self_of(parser);
  self.text_.append(at, length);
  if (self.text_.size() <= limits::kHttpUrlBytesMax) return 0;
  self.refusal_ = {414, ErrorCode::UrlTooLong, "the URL is larger than 8 KiB"};
  return HPE_USER;
}

int MessageParser::on_field(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  MessageParser& self = self_of(parser);
  if (!self.is_headers_complete_) self.field_name_.append(at, length);  // Else a trailer.
  return 0;
}

int MessageParser::on_value(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  MessageParser& self = self_of(parser);
  if (!self.is_headers_complete_) self.field_value_.append(at, length);
  return 0;
}

int MessageParser::on_value_complete(llhttp_t* parser) noexcept {
  MessageParser& self = self_of(parser);
  if (self.is_headers_complete_) return 0;
  if (self.headers_.size() == limits::kHttpHeadersMax) {
    self.refusal_ = {431, ErrorCode::HeadTooLarge, kTooManyHeaders};
    return HPE_USER;
  }
  if (!is_token(self.field_name_) || !is_header_value(self.field_value_)) {
    self.refusal_ = bad("a control character in a header line");
    return HPE_USER;
  }
  // llhttp leaves the white space behind a value.
  self.headers_.add(std::exchange(self.field_name_, {}),
                    std::string(without_outer_space(self.field_value_)));
  self.field_value_.clear();
  return 0;
}

int MessageParser::on_headers_complete(llhttp_t* parser) noexcept {
  self_of(parser).is_headers_complete_ = true;
  return HPE_PAUSED;
}

// Also called with nothing, at the end of an input that ends inside the body.
int MessageParser::on_body(llhttp_t* parser, const char* at, std::size_t length) noexcept {
  if (length == 0) return 0;
  self_of(parser).piece_ = std::as_bytes(std::span{at, length});
  return HPE_PAUSED;
}

int MessageParser::on_message_complete(llhttp_t* parser) noexcept {
  self_of(parser).is_message_complete_ = true;
  return HPE_PAUSED;
}

}  // namespace tako::http
