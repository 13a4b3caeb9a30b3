// Credentials are split at the first space; operations have their wire names.
#include "edge/session/authorizer.h"

#include <doctest/doctest.h>

namespace tako::edge {

TEST_CASE("a credential is split at its first space, or is a value only") {
  const HeaderCredential bearer = parse_credential("Bearer abc 123");
  CHECK(bearer.scheme == "Bearer");
  CHECK(bearer.value == "abc 123");
  const HeaderCredential plain = parse_credential("token-7");
  CHECK(plain.scheme == std::nullopt);
  CHECK(plain.value == "token-7");
}

TEST_CASE("operations have the names of the authorize call") {
  CHECK(to_string(Operation::Subscribe) == "subscribe");
  CHECK(to_string(Operation::Connect) == "connect");
  CHECK(to_string(Operation::Publish) == "publish");
  CHECK(to_string(Operation::History) == "history");
  CHECK(to_string(Operation::Presence) == "presence");
}

}  // namespace tako::edge
