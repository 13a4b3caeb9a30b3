// Numbers: RFC 8785's vectors, and what is no whole decimal.
#include "common/json_number.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace tako {
namespace {

std::string printed(double value) {
  std::string out;
  append_number(out, value);
  return out;
}

}  // namespace

// RFC 8785, appendix B.
TEST_CASE("numbers print as ECMAScript prints them") {
  const std::pair<std::uint64_t, std::string_view> vectors[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : vectors) CHECK(printed(std::bit_cast<double>(bits)) == text);
  CHECK(printed(100) == "100");
  CHECK(printed(0.5) == "0.5");
  CHECK(printed(-123.25) == "-123.25");
  CHECK(printed(1e-7) == "1e-7");
}

TEST_CASE("a printed number reads back as the same double") {
  std::mt19937_64 random(20240229);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const auto read = parse_number(printed(value));
    if (!read || *read != value) FAIL(printed(value));
  }
}

TEST_CASE("whole decimals are integers") {
  CHECK(parse_integer("0") == 0);
  CHECK(parse_integer("-0") == 0);
  CHECK(parse_integer("-17") == -17);
  CHECK(parse_integer("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_integer("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("anything else is no integer") {
  for (const std::string_view text :
       {"", "-", "+1", "01", "-01", "1.0", "1.5", "1e3", " 1", "1 ", "ten", "0x10", "--1", "1_000",
        "9223372036854775808", "-9223372036854775809", "\xD9\xA1"}) {
    CHECK_MESSAGE(parse_integer(text) == std::nullopt, text);
  }
}

TEST_CASE("numbers are finite and written as JSON writes them") {
  CHECK(parse_number("1.5") == 1.5);
  CHECK(parse_number("-1e3") == -1000);
  CHECK(parse_number("1E+2") == 100);
  CHECK(parse_number("1e-400") == 0);
  CHECK(parse_number("4.9e-324") == 5e-324);
  CHECK_FALSE(std::signbit(parse_number("-0.0").value()));
  for (const std::string_view text : {"", "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "inf",
                                      ".5", "1.", "+1", "0x1p3", "1,5", " 1", "1 ", "1e", "true"}) {
    CHECK_MESSAGE(parse_number(text) == std::nullopt, text);
  }
}

}  // namespace tako
