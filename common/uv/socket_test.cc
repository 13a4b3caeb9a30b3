// Addresses as text, there and back.
#include "common/uv/socket.h"

#include <doctest/doctest.h>

using tako::uv::Address;
using tako::uv::parse_address;
using tako::uv::TcpAddress;
using tako::uv::UnixAddress;

TEST_CASE("addresses parse and print back") {
  CHECK(*parse_address("127.0.0.1:8080") == Address(TcpAddress{"127.0.0.1", 8080}));
  CHECK(*parse_address("[::1]:0") == Address(TcpAddress{"::1", 0}));
  CHECK(*parse_address("app.internal:65535") == Address(TcpAddress{"app.internal", 65535}));
  CHECK(*parse_address("unix:/run/x.sock") == Address(UnixAddress{"/run/x.sock"}));
  for (const char* text : {"127.0.0.1:8080", "[::1]:0", "app:1", "unix:/run/x.sock"}) {
    CHECK(to_string(*parse_address(text)) == text);
  }
}

TEST_CASE("what is no address is refused with a text that says what one is") {
  for (const std::string& text :
       {std::string(""), std::string("8080"), std::string(":8080"), std::string("a:"),
        std::string("a:65536"), std::string("a:-1"), std::string("a:+1"), std::string("a:1x"),
        std::string("::1:80"), std::string("[::1]"), std::string("a/b:80"), std::string("unix:"),
        "unix:" + std::string(108, 'x')}) {
    CAPTURE(text);
    const auto address = parse_address(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().code == tako::ErrorCode::ConfigInvalid);
    CHECK_FALSE(address.error().detail.empty());
  }
}
