// Judges request heads.
#include "common/http/request_parser.h"

#include <algorithm>
#include <utility>

#include "common/http/message_parser.h"

namespace tako::http {

namespace {

ParseError bad(std::string_view reason) { return {400, ErrorCode::BadRequest, reason}; }

// A host and an optional port; brackets for IPv6. No white space, path, or user.
bool is_host(std::string_view text) {
  constexpr std::string_view kSigns = "-._~%!$&'()*+,;=:[]";
  return std::ranges::all_of(text, [kSigns](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != kSigns.npos;
  });
}

// The authority of "http://host:80/a", if the target has that form.
std::string_view authority_of(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return {};
  const std::string_view rest = target.substr(scheme + 3);
  return rest.substr(0, rest.find_first_of("/?"));
}

std::optional<ParseError> judge_method(std::uint8_t method) {
  // CONNECT and TRACE have no business with a server that is nobody's forward proxy.
  if (method == HTTP_CONNECT || method == HTTP_TRACE) {
    return ParseError{405, ErrorCode::MethodNotAllowed, "this method is not served"};
  }
  if (method > HTTP_PRI) {  // llhttp also reads RTSP.
    return ParseError{501, ErrorCode::NotImplemented, "a method that HTTP does not know"};
  }
  return std::nullopt;
}

std::optional<ParseError> judge_target(const RequestHead& head) {
  const std::string& target = head.target;
  if (target.find('#') != target.npos) return bad("a fragment in the request target");
  if (target.starts_with('/')) return std::nullopt;
  if (target == "*" && head.method == "OPTIONS") return std::nullopt;
  const std::string_view authority = authority_of(target);
  const bool is_http = target.starts_with("http://") || target.starts_with("https://");
  if (!is_http || !equal_ignoring_case(authority, head.host())) {
    return bad("a request target that is no path, or names another host than Host");
  }
  return std::nullopt;
}

std::optional<ParseError> judge_host(const RequestHead& head) {
  const std::size_t count = head.headers.count("host");
  if (count > 1 || (count == 0 && head.version_minor > 0)) {
    return bad("Host must be given exactly once");
  }
  if (!is_host(head.host())) return bad("a malformed Host");
  return std::nullopt;
}

}  // namespace

class RequestParser::Impl final : public MessageParser {
 public:
  Impl() : MessageParser(HTTP_REQUEST) {}

  RequestHead head;

 private:
  std::optional<ParseError> on_head_complete() override {
    if (auto refused = judge_method(llhttp_.method)) return refused;
    if (auto refused = read_version()) return refused;
    Framing framing;
    if (auto refused = read_framing(framing)) return refused;
    head = RequestHead{};
    head.method = llhttp_method_name(static_cast<llhttp_method_t>(llhttp_.method));
    head.target = std::exchange(text_, {});
    head.version_minor = llhttp_.http_minor;
    head.headers = std::exchange(headers_, {});
    head.body = framing.body;
    head.content_length = framing.content_length;
    return complete_head();
  }

  std::optional<ParseError> complete_head() {
    if (auto refused = judge_host(head)) return refused;
    if (auto refused = judge_target(head)) return refused;
    const Headers& headers = head.headers;
    head.keep_alive = head.version_minor == 1 ? !headers.has_token("connection", "close")
                                              : headers.has_token("connection", "keep-alive");
    const bool wants_upgrade =
        headers.has_token("connection", "upgrade") && headers.count("upgrade") > 0;
    // llhttp would deliver the body first and then call the rest another protocol's.
    if (wants_upgrade && head.body != BodyFraming::None) return bad("an upgrade with a body");
    // RFC 9110 7.8: an HTTP/1.0 client's Upgrade is ignored.
    head.upgrade = wants_upgrade && head.version_minor == 1 && head.method == "GET";
    head.expects_continue = head.version_minor == 1 && head.body != BodyFraming::None &&
                            headers.has_token("expect", "100-continue");
    return std::nullopt;
  }

  ParseError describe(llhttp_errno_t error) const override {
    // At the first byte that fits no method. One that no method may have is no honest one either.
    if (error == HPE_INVALID_METHOD && is_token({llhttp_get_error_pos(&llhttp_), 1})) {
      return {501, ErrorCode::NotImplemented, "a method that HTTP does not know"};
    }
    if (error == HPE_PAUSED_H2_UPGRADE) {
      return {405, ErrorCode::MethodNotAllowed, "HTTP/2 without TLS is not served"};
    }
    return MessageParser::describe(error);
  }
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}

RequestParser::~RequestParser() = default;

ParseStep RequestParser::next(std::span<const std::byte> input) { return impl_->next(input); }

RequestHead RequestParser::take_head() { return std::exchange(impl_->head, {}); }

bool RequestParser::is_between_messages() const noexcept { return impl_->is_between_messages(); }

}  // namespace tako::http
