// Signatures that any HMAC-SHA256 would make.
#include "edge/server/webhook_poster.h"

#include <doctest/doctest.h>

namespace tako::edge {
namespace {

// $ printf '1790000000000.{"app":"default"}' | openssl dgst -sha256 -hmac s3cret
TEST_CASE("the signature is that of the time, a dot, and the body") {
  CHECK(webhook_signature("s3cret", 1'790'000'000'000, R"({"app":"default"})") ==
        "t=1790000000000,v1="
        "b448edf865d12d60ad35c01bace9721069ce612f667922d539f62705e55446e8");
}

}  // namespace
}  // namespace tako::edge
