// Hidden paths stay hidden in every spelling that an app might understand.
#include "edge/server/request_path.h"

#include <doctest/doctest.h>

namespace tako::edge {

TEST_CASE("every spelling of the callback paths is recognised") {
  for (const char* raw :
       {"/channels/authorize", "/channels/dispatch", "/channels/authorize/",
        "//channels///authorize", "/CHANNELS/Authorize", "/channels/./authorize",
        "/x/../channels/authorize", "/%63hannels/authorize", "/channels%2Fauthorize",
        "/channels/%2e%2e/channels/dispatch", "/channels/events", "/channels/eventS/",
        "/channels\\authorize", "/../../channels/authorize", "/channels/x/%2E%2E/dispatch"}) {
    CAPTURE(raw);
    CHECK(is_callback_path(normalized_path(raw)));
  }
}

TEST_CASE("other paths are not, and escapes are decoded once only") {
  for (const char* raw :
       {"/", "", "/channels", "/channels/authorized", "/channels/authorize/x",
        "/xchannels/authorize", "/channels%252Fauthorize", "/%2563hannels/dispatch",
        "/channels/authorize%", "/channels/authorize%zz"}) {
    CAPTURE(raw);
    CHECK_FALSE(is_callback_path(normalized_path(raw)));
  }
}

TEST_CASE("the edge's own paths") {
  CHECK(is_own_path(normalized_path("/_tako")));
  CHECK(is_own_path(normalized_path("/_tako/channels/x")));
  CHECK(is_own_path(normalized_path("/a/../%5Ftako/x")));
  CHECK_FALSE(is_own_path(normalized_path("/_takox")));
  CHECK_FALSE(is_own_path(normalized_path("/a/_tako")));
}

TEST_CASE("hosts lose port, case and a trailing dot") {
  CHECK(normalized_host("App.Example.com:8080") == "app.example.com");
  CHECK(normalized_host("app.example.com.") == "app.example.com");
  CHECK(normalized_host("[::1]:80") == "[::1]");
  CHECK(normalized_host("[::1]") == "[::1]");
  CHECK(normalized_host("") == "");
  CHECK(is_callback_host(normalized_host("default.TAKO:80")));
  CHECK(is_callback_host(normalized_host("default.tako.")));
  CHECK_FALSE(is_callback_host(normalized_host("tako.example.com")));
  CHECK_FALSE(is_callback_host(normalized_host("example.mytako")));
}

}  // namespace tako::edge
