// ClientRequest: the first header of a name, and cookies as they came.
#include "edge/session/client.h"

#include <doctest/doctest.h>

namespace tako::edge {

TEST_CASE("the first header of a name is found, an absent one is null") {
  ClientRequest request;
  request.headers = {{"x-a", "1"}, {"x-b", "2"}, {"x-a", "3"}};
  REQUIRE(request.header("x-a") != nullptr);
  CHECK(*request.header("x-a") == "1");
  CHECK(request.header("x-c") == nullptr);
}

TEST_CASE("a cookie's value is given raw, among others and over several Cookie headers") {
  ClientRequest request;
  request.headers = {{"cookie", "a=1;b = two ; sid=\"x=y%20z\""}, {"cookie", "late=3; a=9"}};
  CHECK(request.cookie("a") == "1");
  CHECK(request.cookie("b") == "two");
  CHECK(request.cookie("sid") == "\"x=y%20z\"");
  CHECK(request.cookie("late") == "3");
  CHECK(request.cookie("si") == std::nullopt);
  CHECK(request.cookie("") == std::nullopt);
}

TEST_CASE("an empty cookie is present, a bare word is none") {
  ClientRequest request;
  request.headers = {{"cookie", "empty=; bare;;=x"}};
  CHECK(request.cookie("empty") == "");
  CHECK(request.cookie("bare") == std::nullopt);
}

}  // namespace tako::edge
