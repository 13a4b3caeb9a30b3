// Frame headers at the lengths where their form changes.
#include "edge/session/ws_frame.h"

#include <doctest/doctest.h>

#include <string>

namespace tako::edge {
namespace {

std::string header_of(std::size_t payload_bytes) {
  char header[kWsHeaderBytesMax];
  return {header, write_text_header(header, payload_bytes)};
}

TEST_CASE("the length takes 7, 16 or 64 bits, as short as possible") {
  using namespace std::string_literals;
  CHECK(header_of(0) == "\x81\x00"s);
  CHECK(header_of(125) == "\x81\x7d"s);
  CHECK(header_of(126) == "\x81\x7e\x00\x7e"s);
  CHECK(header_of(65'535) == "\x81\x7e\xff\xff"s);
  CHECK(header_of(65'536) == "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST_CASE("a text frame is the header and the payload") {
  CHECK(make_text_frame("Hello").view() == "\x81\x05Hello");  // RFC 6455 5.7
  CHECK(make_text_frame(std::string(70'000, 'x')).size() == 70'010);
}

}  // namespace
}  // namespace tako::edge
