// CORS: the origin is echoed when the policy allows it, and nothing else ever is.
#include "edge/server/cors.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

http::Headers answer_to(std::string origin) {
  const OriginPolicy policy({"https://a.example"});
  ClientRequest request;
  if (!origin.empty()) request.headers.emplace_back("origin", std::move(origin));
  http::Headers headers;
  add_cors(headers, request, policy);
  return headers;
}

}  // namespace

TEST_CASE("an allowed origin may read the answer, with credentials") {
  const http::Headers headers = answer_to("https://a.example");
  CHECK(headers.find("access-control-allow-origin") == "https://a.example");
  CHECK(headers.find("access-control-allow-credentials") == "true");
  CHECK(headers.find("access-control-expose-headers") == "Retry-After");
  CHECK(headers.find("vary") == "Origin");
}

TEST_CASE("any other origin, and none, gets Vary alone") {
  for (const char* origin : {"", "null", "https://a.example.net", "https://b.example"}) {
    CAPTURE(origin);
    CHECK(answer_to(origin) == http::Headers{{"Vary", "Origin"}});
  }
}

}  // namespace tako::edge
