// Builds requests and reads whole responses.
#include "tests/support/http_client.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace tako::test {
namespace {

bool names(const Headers& headers, std::string_view name) {
  return HttpHead{.headers = headers}.header(name).has_value();
}

}  // namespace

std::string HttpResponse::header(std::string_view name) const {
  return head.header(name).value_or("");
}

bool HttpResponse::has_header(std::string_view name) const { return head.header(name).has_value(); }

std::string HttpResponse::error_code() const {
  if (!body.starts_with('{')) return "";
  const Json root = json();
  return root.has("error") && root["error"].is_object() ? root["error"]["code"].string() : "";
}

std::string HttpResponse::error_message() const { return json()["error"]["message"].string(); }

std::string serialize(const HttpRequest& request, std::string_view default_host) {
  std::string bytes = request.method + " " + request.target + " HTTP/1.1\r\n";
  if (!names(request.headers, "host")) bytes += "Host: " + std::string(default_host) + "\r\n";
  for (const Header& header : request.headers) bytes += header.name + ": " + header.value + "\r\n";
  const bool has_length =
      names(request.headers, "content-length") || names(request.headers, "transfer-encoding");
  const bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (!has_length && (may_have_body || !request.body.empty())) {
    bytes += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return bytes + "\r\n" + request.body;
}

HttpConnection::HttpConnection(const Endpoint& endpoint)
    : endpoint_(endpoint), stream_(Socket::connect(endpoint)) {}

void HttpConnection::send(const HttpRequest& request) {
  const bool is_unix = endpoint_.starts_with("unix:");
  // A server may answer and hang up before it has taken the whole body, so a short write is no
  // failure yet: the response tells.
  stream_.socket().offer(serialize(request, is_unix ? "localhost" : endpoint_));
}

HttpResponse HttpConnection::read_response(std::string_view method, Duration bound) {
  for (;;) {
    auto head = stream_.read_head(bound);
    if (!head) throw TestFailure("the connection was closed instead of an answer");
    const int status = head->status();
    if (status >= 100 && status < 200 && status != 101) continue;
    stream_.begin_body(Framing::of_response(*head, method));
    HttpResponse response{.status = status, .head = std::move(*head), .body = {}, .complete = true};
    response.body = stream_.read_body(bound);
    response.complete = stream_.body_complete();
    return response;
  }
}

HttpResponse HttpConnection::request(const HttpRequest& request, Duration bound) {
  send(request);
  return read_response(request.method, bound);
}

HttpResponse http(const Endpoint& endpoint, const HttpRequest& request, Duration bound) {
  return HttpConnection(endpoint).request(request, bound);
}

HttpResponse http_get(const Endpoint& endpoint, std::string target, Headers headers) {
  return http(endpoint, {.target = std::move(target), .headers = std::move(headers)});
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(character) != std::string::npos) {
      encoded += character;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 15U];
    }
  }
  return encoded;
}

}  // namespace tako::test
