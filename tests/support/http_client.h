// Raw HTTP/1.1 requests to the product, over TCP or a unix socket.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/http_stream.h"
#include "tests/support/json.h"

namespace tako::test {

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  // Sent as they are; Host and, with a body, Content-Length are added unless given.
  Headers headers = {};
  std::string body = {};
};

struct HttpResponse {
  int status = 0;
  HttpHead head;
  std::string body;
  bool complete = true;  // False when the connection ended before the body did.

  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] bool has_header(std::string_view name) const;
  [[nodiscard]] Json json() const { return Json::parse(body); }
  // error.code of an error body, or "" when there is none.
  [[nodiscard]] std::string error_code() const;
  [[nodiscard]] std::string error_message() const;
};

// The request as bytes.
[[nodiscard]] std::string serialize(const HttpRequest& request, std::string_view default_host);

// One connection, many requests.
class HttpConnection {
 public:
  explicit HttpConnection(const Endpoint& endpoint);

  void send(const HttpRequest& request);
  void send_raw(std::string_view bytes) { stream_.write(bytes); }
  // The next response as a whole; 1xx are skipped. Throws when the peer closed instead.
  [[nodiscard]] HttpResponse read_response(std::string_view method = "GET",
                                           Duration bound = kPatience);
  [[nodiscard]] HttpResponse request(const HttpRequest& request, Duration bound = kPatience);

  [[nodiscard]] HttpStream& stream() { return stream_; }
  [[nodiscard]] bool closed_by_peer(Duration bound = kPatience) {
    return stream_.closed_by_peer(bound);
  }

 private:
  Endpoint endpoint_;
  HttpStream stream_;
};

// One request on a connection of its own.
[[nodiscard]] HttpResponse http(const Endpoint& endpoint, const HttpRequest& request,
                                Duration bound = kPatience);
[[nodiscard]] HttpResponse http_get(const Endpoint& endpoint, std::string target,
                                    Headers headers = {});

// Percent-encodes all but unreserved characters.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace tako::test
