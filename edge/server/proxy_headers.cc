// Hop-by-hop fields go (RFC 9110 7.6.1), forwarded ones are set, the internal token is taken out.
#include "edge/server/proxy_headers.h"

#include <charconv>
#include <string>
#include <system_error>
#include <utility>

namespace tako::edge {
namespace {

// origin-form (RFC 9112 3.2.1), also when the client sent absolute-form; `*` stays.
std::string origin_form(const http::RequestHead& head) {
  if (head.target.starts_with('/') || head.target == "*") return head.target;
  std::string target(head.path());
  if (head.target.contains('?')) target.append("?").append(head.query());
  return target;
}

}  // namespace

bool is_tunnel_request(const http::RequestHead& head) {
  return head.upgrade && head.headers.has_token("upgrade", "websocket");
}

http::ClientRequest make_upstream_request(http::RequestHead head, const ClientOrigin& origin) {
  http::ClientRequest request;
  if (is_tunnel_request(head)) request.upgrade = "websocket";
  request.target = origin_form(head);
  request.method = std::move(head.method);
  switch (head.body) {
    case http::BodyFraming::Length:
      request.body = http::ClientRequest::Length{head.content_length};
      break;
    case http::BodyFraming::Chunked:
      request.body = http::ClientRequest::Chunked{};
      break;
    case http::BodyFraming::None:
    case http::BodyFraming::UntilClose:
      break;
  }
  request.headers = std::move(head.headers);
  http::remove_hop_by_hop(request.headers);
  request.headers.remove("content-length");
  request.headers.remove("expect");  // The edge has answered it, or will.
  request.headers.remove(kInternalToken);
  set_forwarded(request.headers, origin);
  return request;
}

http::Headers make_downstream_headers(const http::ResponseHead& head) {
  http::Headers headers = head.headers;
  http::remove_hop_by_hop(headers);
  headers.remove(kInternalToken);
  return headers;
}

std::optional<std::uint64_t> told_length(const http::ResponseHead& head) {
  if (head.body == http::BodyFraming::Length) return head.content_length;
  if (head.body != http::BodyFraming::None) return std::nullopt;
  const std::string_view text = head.headers.find("content-length").value_or("");
  std::uint64_t length = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool is_number = fault == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional(length) : std::nullopt;
}

}  // namespace tako::edge
