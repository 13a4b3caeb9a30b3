// The edges of each range, and bytes beyond ASCII.
#include "common/ascii.h"

#include <doctest/doctest.h>

namespace tako::ascii {
namespace {

TEST_CASE("digits and letters end where ASCII ends them") {
  for (const char c : {'0', '9'}) CHECK(is_digit(c));
  for (const char c : {'/', ':', 'a', '\xb2'}) CHECK_FALSE(is_digit(c));
  for (const char c : {'a', 'z', 'A', 'Z'}) CHECK(is_letter(c));
  for (const char c : {'@', '[', '`', '{', '0', '\xe4'}) CHECK_FALSE(is_letter(c));
  CHECK(is_alphanumeric('7'));
  CHECK(is_alphanumeric('g'));
  CHECK_FALSE(is_alphanumeric('_'));
}

TEST_CASE("a hexadecimal digit has its value in both cases, anything else has none") {
  CHECK(hex_value('0') == 0);
  CHECK(hex_value('9') == 9);
  CHECK(hex_value('a') == 10);
  CHECK(hex_value('F') == 15);
  for (const char c : {'g', 'G', '@', '`', '/', ':', '\0', '\xff'}) CHECK(hex_value(c) == -1);
}

TEST_CASE("lowered touches ASCII capitals only") {
  CHECK(lowered("Host: A-Z@[ \xc4") == "host: a-z@[ \xc4");
  CHECK(lowered("").empty());
}

TEST_CASE("trimmed takes spaces and tabs off both ends, and nothing else") {
  CHECK(trimmed(" \ta b\t ") == "a b");
  CHECK(trimmed("a") == "a");
  CHECK(trimmed("\na ") == "\na");
  CHECK(trimmed(" \t ").empty());
  CHECK(trimmed("").empty());
}

}  // namespace
}  // namespace tako::ascii
