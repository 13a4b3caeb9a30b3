// Which addresses a block holds, and which texts are one.
#include "common/config/ip_range.h"

#include <doctest/doctest.h>

namespace tako::config {
namespace {

TEST_CASE("a block holds its addresses and no others") {
  const IpRange range = IpRange::parse("10.0.0.0/8").value();
  CHECK(range.contains("10.0.0.0"));
  CHECK(range.contains("10.255.255.255"));
  CHECK_FALSE(range.contains("11.0.0.0"));
  CHECK_FALSE(range.contains("9.255.255.255"));
  CHECK(range.contains("::ffff:10.1.2.3"));
  CHECK_FALSE(range.contains("::1"));
}

TEST_CASE("prefixes that end inside a byte count bits") {
  const IpRange range = IpRange::parse("192.168.4.0/22").value();
  CHECK(range.contains("192.168.7.255"));
  CHECK_FALSE(range.contains("192.168.8.0"));
  CHECK(IpRange::parse("fd00::/7").has_value() == false);
  CHECK(IpRange::parse("fc00::/7").value().contains("fdff::1"));
}

TEST_CASE("one address is a block of one") {
  CHECK(IpRange::parse("127.0.0.1").value().contains("127.0.0.1"));
  CHECK_FALSE(IpRange::parse("127.0.0.1").value().contains("127.0.0.2"));
  CHECK(IpRange::parse("::1").value().contains("::1"));
}

TEST_CASE("the whole of each family") {
  CHECK(IpRange::parse("0.0.0.0/0").value().contains("255.1.2.3"));
  CHECK_FALSE(IpRange::parse("0.0.0.0/0").value().contains("::1"));
  CHECK(IpRange::parse("::/0").value().contains("1.2.3.4"));
}

TEST_CASE("anything else is no block, and no address is in it") {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0/8",
                           "a/8", "10.0.0.0/8x", "10.0.0.0/-1", " 10.0.0.0/8"}) {
    CAPTURE(text);
    CHECK_FALSE(IpRange::parse(text).has_value());
  }
  CHECK_FALSE(IpRange::parse("::/0").value().contains("nobody"));
  CHECK_FALSE(IpRange::parse("::/0").value().contains(""));
}

}  // namespace
}  // namespace tako::config
