// The server under test as RFC 6455 sees it: an echo of text messages, and what each case expects.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/cluster.h"
#include "tests/support/ws_client.h"

namespace tako::test {

// A public channel whose clients may send `m`: what one sends comes back as data.
class EchoPeer {
 public:
  EchoPeer();

  [[nodiscard]] WsClient connect() const;
  [[nodiscard]] Endpoint endpoint() const { return cluster_.edge(); }
  [[nodiscard]] static std::string target() { return "/_tako/channels/echo"; }
  // How many cases have been judged so far in this program.
  [[nodiscard]] static int& cases();

 private:
  Cluster cluster_;
};

// `{"type":"m","data":"<text>"}`: `text` goes between the quotes as it is.
[[nodiscard]] std::string envelope(std::string_view text);
// An envelope of exactly `bytes` bytes.
[[nodiscard]] std::string envelope_of_size(std::size_t bytes);

// Judges of one case; each counts as one. `name` is what a failure says.
void expect_echo(const std::string& name, WsClient& client, std::string_view text);
void expect_close(const std::string& name, WsClient& client, int code);
void expect_pong(const std::string& name, WsClient& client, std::string_view payload);
// Nothing was wrong and nothing was said: the next message still comes back.
void expect_alive(const std::string& name, WsClient& client);

// Sends the bytes in pieces of `step`; 0: at once.
void send_chopped(WsClient& client, std::string_view bytes, std::size_t step);

}  // namespace tako::test
