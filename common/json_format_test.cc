// Formats: what each takes, and the near misses.
#include "common/json_format.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tako {
namespace {

void check_format(std::string_view format, const std::vector<std::string_view>& good,
                  const std::vector<std::string_view>& bad) {
  const FormatCheck check = find_format(format);
  REQUIRE_MESSAGE((check != nullptr), format);
  for (const std::string_view text : good) CHECK_MESSAGE(check(text), format << ": " << text);
  for (const std::string_view text : bad) CHECK_MESSAGE(!check(text), format << ": " << text);
}

}  // namespace

TEST_CASE("dates are days that exist") {
  check_format("date", {"2024-02-29", "2000-02-29", "1999-12-31", "0000-01-01"},
               {"2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00",
                "2024-1-01", "24-01-01", "2024-01-01T", "2024/01/01", "", "2024-01-0a"});
}

TEST_CASE("times carry a zone, and leap seconds end a day of UTC") {
  check_format(
      "time",
      {"00:00:00Z", "23:59:59.123456789z", "23:59:60Z", "15:59:60-08:00", "00:29:60+00:30",
       "12:00:00+23:59"},
      {"12:00:00", "24:00:00Z", "12:60:00Z", "12:00:61Z", "12:00:60Z", "12:00Z", "12:00:00.Z",
       "12:00:00+24:00", "12:00:00+01:60", "12:00:00+0100", "12:00:00ZZ", "", "1:00:00Z"});
  check_format(
      "date-time", {"2024-02-29T12:00:00Z", "1985-04-12t23:20:50.52z", "1990-12-31T15:59:60-08:00"},
      {"2024-02-30T12:00:00Z", "2024-02-29 12:00:00Z", "2024-02-29", "2024-02-29T12:00:00", ""});
}

TEST_CASE("hosts and mail addresses follow their RFCs") {
  const std::string label(63, 'a');
  check_format("hostname", {"a", "example.com", "xn--nxasmq6b.org", "1.2.3.4", label},
               {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "\u00E9.com", label + "a", "a b"});
  check_format("email", {"a@b", "first.last+tag@example.com", "o'neil@x-y.org"},
               {"", "a", "@b", "a@", "a@@b", "a.@b", ".a@b", "a..b@c", "a b@c", "a@b_c", "\u00E9@b",
                "a@[1.2.3.4]"});
  const FormatCheck email = find_format("email");
  CHECK(email(std::string(64, 'a') + "@b"));
  CHECK_FALSE(email(std::string(65, 'a') + "@b"));
  std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  CHECK(find_format("hostname")(longest));
  CHECK_FALSE(find_format("hostname")(longest + 'a'));
}

TEST_CASE("addresses have one reading") {
  check_format("ipv4", {"0.0.0.0", "255.255.255.255", "10.1.2.3"},
               {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "0x1.2.3.4", "::1",
                std::string_view("1.2.3.4\0", 8)});
  check_format("ipv6", {"::", "::1", "2001:db8::8a2e:370:7334", "::ffff:1.2.3.4"},
               {"", ":", "1::2::3", "12345::", "::1%eth0", "[::1]", "1.2.3.4", "g::"});
}

TEST_CASE("a uri has a scheme and only what RFC 3986 lets stand") {
  check_format("uri",
               {"http://example.com/a?b=c#d", "urn:isbn:0451450523", "mailto:a@b.c",
                "a:", "ftp://[::1]:21/x", "https://user:pw@host:8080/p;q=1/%E2%82%AC",
                "file:///etc/hosts", "x-y+z.1://h", "http://h?a/b"},
               {"", "example.com", "/a/b", ":a", "1a:b", "http://a b", "http://a/%zz",
                "http://a/%2", "a:\u00E9", "a:<>", "http://[::1", "http://[1.2.3.4]/",
                "http://h:80x/", "http://a@b@c/", "a:#b#c", "a:b[c]", "a_b:c"});
}

TEST_CASE("a uuid is 8-4-4-4-12 hexadecimal digits") {
  check_format("uuid",
               {"123e4567-e89b-12d3-a456-426614174000", "FFFFFFFF-ffff-FFFF-0000-000000000000"},
               {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400",
                "123e4567-e89b-12d3-a456-4266141740000", "g23e4567-e89b-12d3-a456-426614174000",
                "{123e4567-e89b-12d3-a456-42661417400}"});
}

TEST_CASE("other formats are unknown") {
  for (const std::string_view name :
       {"", "Date", "regex", "uri-reference", "duration", "idn-email"}) {
    CHECK_MESSAGE((find_format(name) == nullptr), name);
  }
}

}  // namespace tako
