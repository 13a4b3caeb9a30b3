// The parsers: what they read, what they refuse, and that cuts make no difference.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/request_parser.h"
#include "common/http/response_parser.h"
#include "common/limits.h"

using namespace tako::http;
namespace limits = tako::limits;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

// All that came of some bytes: heads, joined bodies, the refusal, and what was not used.
template <typename Head>
struct Reading {
  std::vector<Head> heads;
  std::vector<std::string> bodies;
  int ends = 0;
  std::optional<ParseError> error;
  std::size_t used = 0;
};

// Feeds `text` in pieces of `cut` bytes, and stops behind an upgrade as a connection would.
template <typename Head, typename Parser>
Reading<Head> read_all(Parser& parser, std::string_view text, std::size_t cut) {
  Reading<Head> reading;
  bool has_left_http = false;
  while (reading.used < text.size() && !has_left_http && !reading.error) {
    std::string_view piece = text.substr(reading.used, cut);
    for (;;) {
      const ParseStep step = parser.next(bytes_of(piece));
      reading.used += step.consumed;
      piece.remove_prefix(step.consumed);
      if (step.event == ParseEvent::NeedMore) {
        CHECK(piece.empty());
        CHECK(parser.next({}).event ==
              ParseEvent::NeedMore);  // Changes nothing, wherever it comes.
        break;
      }
      if (step.event == ParseEvent::Failed) {
        reading.error = step.error;
        break;
      }
      if (step.event == ParseEvent::Head) {
        reading.heads.push_back(parser.take_head());
        reading.bodies.emplace_back();
      } else if (step.event == ParseEvent::Body) {
        reading.bodies.back().append(reinterpret_cast<const char*>(step.body.data()),
                                     step.body.size());
      } else {
        ++reading.ends;
        if constexpr (std::is_same_v<Head, RequestHead>) {
          has_left_http = reading.heads.back().upgrade;
        } else {
          has_left_http = reading.heads.back().status == 101;
        }
        if (has_left_http) break;
      }
    }
  }
  return reading;
}

Reading<RequestHead> read_requests(std::string_view text, std::size_t cut = 1 << 20) {
  RequestParser parser;
  return read_all<RequestHead>(parser, text, cut);
}

Reading<ResponseHead> read_responses(std::string_view text, std::size_t cut = 1 << 20,
                                     bool to_head = false) {
  ResponseParser parser(to_head);
  return read_all<ResponseHead>(parser, text, cut);
}

// A request line and Host, then `rest` as it is.
std::string get_with(std::string_view rest) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(rest);
}
std::string post_with(std::string_view rest) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(rest);
}

struct Refused {
  std::string name;
  std::string text;
  int status;
};

// NOLINTNEXTLINE(readability-function-size): one table, a line per trick.
std::vector<Refused> smuggling_table() {
  using namespace std::string_literals;
  return {
      {"folded line", get_with("X: a\r\n b\r\n\r\n"), 400},
      {"folded line with TAB", get_with("X: a\r\n\tb\r\n\r\n"), 400},
      {"folded Content-Length (CVE-2024-27982)",
       "POST / HTTP/1.1\r\nHost: a\r\n Content-Length: 5\r\n\r\nhello", 400},
      {"folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"space before the request line", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"Transfer-Encoding folded (CVE-2022-32213)",
       post_with("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), 400},
      {"bare CR between headers (CVE-2023-30589)", get_with("X: a\rY: b\r\n\r\n"), 400},
      {"CR CR LF", get_with("X: a\r\r\n\r\n"), 400},
      {"CR X ends the head (CVE-2025-23167)", get_with("X: a\r\n\rXGET /2 HTTP/1.1\r\n\r\n"), 400},
      {"LF only", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"LF for one line", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
      {"LF ends the head", get_with("X: a\r\n\n"), 400},
      {"NUL in a value", get_with("X: a\0b\r\n\r\n"s), 400},
      {"NUL in a name", get_with("X\0: a\r\n\r\n"s), 400},
      {"control character in a value", get_with("X: a\x01\r\n\r\n"), 400},
      {"DEL in a value", get_with("X: a\x7f\r\n\r\n"), 400},
      {"space before the colon", get_with("X : a\r\n\r\n"), 400},
      {"space before the colon of Content-Length", post_with("Content-Length : 5\r\n\r\nhello"),
       400},
      {"no colon", get_with("X\r\n\r\n"), 400},
      {"empty name", get_with(": a\r\n\r\n"), 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get_with("Host: b\r\n\r\n"), 400},
      {"two equal Hosts", get_with("Host: a\r\n\r\n"), 400},
      {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"absolute target for another host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CL and TE", post_with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       400},
      {"TE and CL", post_with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
       400},
      {"two CL", post_with("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400},
      {"two equal CL", post_with("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 400},
      {"CL list", post_with("Content-Length: 5, 5\r\n\r\nhello"), 400},
      {"CL +3", post_with("Content-Length: +3\r\n\r\nabc"), 400},
      {"CL -1", post_with("Content-Length: -1\r\n\r\n"), 400},
      {"CL 3 4", post_with("Content-Length: 3 4\r\n\r\nabc"), 400},
      {"CL 0x3", post_with("Content-Length: 0x3\r\n\r\nabc"), 400},
      {"CL empty", post_with("Content-Length:\r\n\r\n"), 400},
      {"CL beyond 64 bits", post_with("Content-Length: 18446744073709551616\r\n\r\n"), 400},
      {"TE chunked, identity", post_with("Transfer-Encoding: chunked, identity\r\n\r\n"), 400},
      {"TE gzip, chunked", post_with("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400},
      {"TE identity", post_with("Transfer-Encoding: identity\r\n\r\n"), 400},
      {"TE xchunked", post_with("Transfer-Encoding: xchunked\r\n\r\n"), 400},
      {"TE twice",
       post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400},
      {"TE with vertical tab", post_with("Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n"), 400},
      {"TE in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"upgrade with a body",
       post_with("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello"),
       400},
      {"GET upgrade with a chunked body",
       get_with("Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n"),
       400},
      {"HTTP/3.7", "GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
      {"no version", "GET /\r\nHost: a\r\n\r\n", 505},
      {"text behind the version", "GET / HTTP/1.1 extra\r\nHost: a\r\n\r\n", 400},
      {"a digit behind the version", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
      {"RTSP", "DESCRIBE / RTSP/1.0\r\nHost: a\r\n\r\n", 501},
      {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405},
      {"the HTTP/2 preface with a target that is none", "PRI *\vx HTTP/2.0\r\n\r\nSM\r\n\r\n", 405},
      {"unknown method", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"method that is no token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"TLS", "\x16\x03\x01\x02", 400},
      {"fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"8-bit target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"* for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"chunk size not hex", post_with("Transfer-Encoding: chunked\r\n\r\nxy\r\n"), 400},
      {"chunk size 0x5", post_with("Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"),
       400},
      {"chunk size -1", post_with("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"), 400},
      {"chunk size beyond 64 bits",
       post_with("Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"), 400},
      {"chunk without its end",
       post_with("Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n"), 400},
      {"chunk ended by LF", post_with("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n"),
       400},
      {"chunk size ended by LF",
       post_with("Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"), 400},
      {"endless chunk extension",
       post_with("Transfer-Encoding: chunked\r\n\r\n5;x=" + std::string(20'000, 'y')), 400},
      {"endless trailers",
       post_with("Transfer-Encoding: chunked\r\n\r\n0\r\n" +
                 [] {
                   std::string trailers;
                   for (int i = 0; i < 1'000; ++i) trailers += "X: y\r\n";
                   return trailers;
                 }()),
       400},
      {"head too large", get_with("X: " + std::string(limits::kHttpHeadBytesMax, 'x')), 431},
      {"head of blank lines", std::string(40'000, '\r').replace(0, 0, "\r\n"), 400},
      {"URL too large", "GET /" + std::string(limits::kHttpUrlBytesMax, 'x'), 414},
      {"too many headers", get_with([] {
         std::string lines;
         for (std::size_t i = 0; i < limits::kHttpHeadersMax; ++i) lines += "X: y\r\n";
         return lines + "\r\n";
       }()),
       431},
  };
}

}  // namespace

TEST_CASE("every smuggling attempt and every bound is refused with its status, however it is cut") {
  for (const Refused& refused : smuggling_table()) {
    for (const std::size_t cut : {std::size_t{1} << 20, std::size_t{1}, std::size_t{3}}) {
      CAPTURE(refused.name);
      CAPTURE(cut);
      const auto reading = read_requests(refused.text, cut);
      REQUIRE(reading.error.has_value());
      CHECK(reading.error->status == refused.status);
      CHECK_FALSE(reading.error->reason.empty());
    }
  }
}

TEST_CASE("after a refusal the parser reads nothing more") {
  RequestParser parser;
  CHECK(parser.next(bytes_of("BAD\r\n\r\n")).event == ParseEvent::Failed);
  const ParseStep step = parser.next(bytes_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(step.event == ParseEvent::Failed);
  CHECK(step.consumed == 0);
}

TEST_CASE("a head is read in full, however it is cut") {
  const std::string text =
      "\r\nPOST /a%20b/c?x=1&y=%26 HTTP/1.1\r\nHost: Example.org:80\r\nX-Empty:\r\nX-Twice: 1\r\n"
      "x-twice:\t2 \t\r\nCookie: a=b; c=\"d\"\r\nContent-Length: 11\r\n\r\nhello world";
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    const auto reading = read_requests(text, cut);
    CAPTURE(cut);
    REQUIRE_FALSE(reading.error.has_value());
    REQUIRE(reading.heads.size() == 1);
    const RequestHead& head = reading.heads[0];
    CHECK(head.method == "POST");
    CHECK(head.target == "/a%20b/c?x=1&y=%26");
    CHECK(head.path() == "/a%20b/c");
    CHECK(head.query() == "x=1&y=%26");
    CHECK(head.host() == "Example.org:80");
    CHECK(head.headers.size() == 6);
    CHECK(head.headers.find("X-EMPTY") == "");
    CHECK(head.headers.all("x-twice") == std::vector<std::string_view>{"1", "2"});
    CHECK(head.body == BodyFraming::Length);
    CHECK(head.content_length == 11);
    CHECK(head.keep_alive);
    CHECK_FALSE(head.upgrade);
    CHECK(reading.bodies[0] == "hello world");
    CHECK(reading.ends == 1);
  }
}

TEST_CASE("a chunked body is joined; extensions and trailers are dropped") {
  const std::string text = post_with(
      "Transfer-Encoding: Chunked\r\n\r\n5;name=value\r\nhello\r\n006\r\n world\r\n0\r\n"
      "Content-Length: 99\r\nX-Trailer: t\r\n\r\nGET /next HTTP/1.1\r\nHost: b\r\n\r\n");
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    const auto reading = read_requests(text, cut);
    CAPTURE(cut);
    REQUIRE_FALSE(reading.error.has_value());
    REQUIRE(reading.heads.size() == 2);
    CHECK(reading.heads[0].body == BodyFraming::Chunked);
    CHECK(reading.heads[0].headers.count("x-trailer") == 0);
    CHECK(reading.bodies[0] == "hello world");
    CHECK(reading.heads[1].path() == "/next");
    CHECK(reading.heads[1].headers.size() == 1);
    CHECK(reading.ends == 2);
  }
}

TEST_CASE("pipelined requests come one at a time") {
  const std::string text =
      get_with("\r\n") + post_with("Content-Length: 2\r\n\r\nab") + get_with("\r\n");
  RequestParser parser;
  CHECK(parser.is_between_messages());
  ParseStep step = parser.next(bytes_of(text));
  CHECK(step.event == ParseEvent::Head);
  CHECK(step.consumed == get_with("\r\n").size());
  CHECK(parser.next({}).event == ParseEvent::End);
  CHECK(parser.is_between_messages());
  const auto reading = read_requests(text);
  CHECK(reading.heads.size() == 3);
  CHECK(reading.ends == 3);
  CHECK(reading.bodies[1] == "ab");
}

TEST_CASE("what follows an upgrade request is left alone") {
  const std::string head =
      get_with("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const std::string text = head + std::string("\x81\x85\0\r\n\r\n", 7);
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    const auto reading = read_requests(text, cut);
    CAPTURE(cut);
    REQUIRE_FALSE(reading.error.has_value());
    REQUIRE(reading.heads.size() == 1);
    CHECK(reading.heads[0].upgrade);
    CHECK(reading.used == head.size());
  }
}

TEST_CASE("an upgrade is only what RFC 9110 calls one") {
  CHECK_FALSE(read_requests(get_with("Upgrade: websocket\r\n\r\n")).heads.at(0).upgrade);
  CHECK_FALSE(read_requests(get_with("Connection: upgrade\r\n\r\n")).heads.at(0).upgrade);
  CHECK_FALSE(read_requests("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                  .heads.at(0)
                  .upgrade);
  CHECK_FALSE(
      read_requests(post_with("Connection: upgrade\r\nUpgrade: h2c\r\n\r\n")).heads.at(0).upgrade);
}

TEST_CASE("keep-alive follows the version and Connection") {
  CHECK(read_requests(get_with("\r\n")).heads.at(0).keep_alive);
  CHECK_FALSE(read_requests(get_with("Connection: x, Close\r\n\r\n")).heads.at(0).keep_alive);
  CHECK_FALSE(read_requests("GET / HTTP/1.0\r\n\r\n").heads.at(0).keep_alive);
  CHECK(read_requests("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").heads.at(0).keep_alive);
  // Data behind `Connection: close` is a further message to the parser; the connection drops it.
  CHECK(read_requests(get_with("Connection: close\r\n\r\n") + get_with("\r\n")).heads.size() == 2);
}

TEST_CASE("other forms that are right: absolute target, OPTIONS *, IPv6 host, Expect") {
  const auto absolute = read_requests("GET http://A:80/p?q HTTP/1.1\r\nHost: a:80\r\n\r\n");
  CHECK(absolute.heads.at(0).path() == "/p");
  CHECK(absolute.heads.at(0).query() == "q");
  CHECK(read_requests("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").heads.at(0).path() == "/");
  CHECK(read_requests("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").heads.at(0).path() == "*");
  CHECK(read_requests("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n").heads.at(0).host() == "[::1]:80");
  const auto expecting =
      read_requests(post_with("Expect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
  CHECK(expecting.heads.at(0).expects_continue);
  CHECK_FALSE(read_requests(get_with("Expect: 100-continue\r\n\r\n")).heads.at(0).expects_continue);
  CHECK(read_requests("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n").heads.at(0).method == "M-SEARCH");
}

TEST_CASE("the largest head and URL that are allowed pass") {
  const std::string start = get_with("X: ");
  const std::string fill(limits::kHttpHeadBytesMax - start.size() - 4, 'x');
  CHECK(read_requests(start + fill + "\r\n\r\n").heads.size() == 1);
  CHECK(read_requests(start + fill + "x\r\n\r\n").error->status == 431);
  const std::string url = "/" + std::string(limits::kHttpUrlBytesMax - 1, 'u');
  CHECK(read_requests("GET " + url + " HTTP/1.1\r\nHost: a\r\n\r\n").heads.at(0).target == url);
  std::string lines;
  for (std::size_t i = 1; i < limits::kHttpHeadersMax; ++i) lines += "X: y\r\n";
  CHECK(read_requests(get_with(lines + "\r\n")).heads.at(0).headers.size() ==
        limits::kHttpHeadersMax);
}

TEST_CASE("responses: bodies end by length, chunks, or the end of the connection") {
  const std::string text =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"
      "HTTP/1.1 200\r\nX: y\r\n\r\nuntil the end";
  for (const std::size_t cut : {1UL, 2UL, 7UL, 1000UL}) {
    CAPTURE(cut);
    ResponseParser parser(false);
    const auto reading = read_all<ResponseHead>(parser, text, cut);
    REQUIRE_FALSE(reading.error.has_value());
    REQUIRE(reading.heads.size() == 5);
    CHECK(reading.bodies == std::vector<std::string>{"hello", "no", "", "", "until the end"});
    CHECK(reading.heads[0].reason == "OK");
    CHECK(reading.heads[0].keep_alive);
    CHECK(reading.heads[3].body == BodyFraming::None);
    CHECK(reading.heads[4].body == BodyFraming::UntilClose);
    CHECK_FALSE(reading.heads[4].keep_alive);
    CHECK(reading.ends == 4);
    CHECK(parser.finish().event == ParseEvent::End);
  }
}

TEST_CASE("responses: a cut body, or none at all, is no end") {
  for (const char* text :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    CAPTURE(text);
    ResponseParser parser(false);
    const auto reading = read_all<ResponseHead>(parser, text, 1000);
    CHECK(reading.ends == 0);
    CHECK(parser.finish().event == ParseEvent::Failed);
    CHECK(parser.is_untouched() == std::string_view(text).empty());
  }
}

TEST_CASE("responses: interim heads come first, 101 ends HTTP, HEAD has no body") {
  const auto interim = read_responses(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      1);
  REQUIRE(interim.heads.size() == 3);
  CHECK(interim.heads[0].is_interim());
  CHECK_FALSE(interim.heads[2].is_interim());
  CHECK(interim.bodies[2] == "ok");
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  CHECK(read_responses(head + "\x81\x01x").used == head.size());
  const auto to_head = read_responses("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 1000, true);
  CHECK(to_head.ends == 1);
  CHECK(to_head.heads.at(0).content_length == 500);
}

TEST_CASE("responses that split are refused") {
  using namespace std::string_literals;
  for (const std::string& text : {
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"s,
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"s,
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"s,
           "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"s,
           "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"s,
           "HTTP/1.1 200 OK\nX: a\n\n"s,
           "HTTP/2.0 200 OK\r\n\r\n"s,
           "HTTP/1.1 099 No\r\n\r\n"s,
           "HTTP/1.1 999 No\r\n\r\n"s,
           "GET / HTTP/1.1\r\n\r\n"s,
           "HTTP/1.1 200 OK\r\nX: "s + std::string(limits::kHttpHeadBytesMax, 'x'),
       }) {
    for (const std::size_t cut : {1UL, 1UL << 20}) {
      CAPTURE(text.substr(0, 80));
      CHECK(read_responses(text, cut).error.has_value());
    }
  }
}
