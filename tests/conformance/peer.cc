// Starts the echo channel and judges what comes back.
#include "tests/conformance/peer.h"

#include <doctest/doctest.h>

namespace tako::test {

// A limit above the sizes of the framing cases; the limit cases know it.
EchoPeer::EchoPeer()
    : cluster_({.has_app = false,
                .definitions = R"([{"name":"echo","auth":false,"handlers":{"m":"relay"}}])",
                .edge_config = "[limits]\nclient_message_bytes_max = 262144\n"}) {}

WsClient EchoPeer::connect() const {
  WsClient client(endpoint(), target());
  if (!client.is_open()) throw TestFailure("the echo channel refused: " + client.response().body);
  return client;
}

int& EchoPeer::cases() {
  static int count = 0;
  return count;
}

std::string envelope(std::string_view text) {
  return R"({"type":"m","data":")" + std::string(text) + "\"}";
}

std::string envelope_of_size(std::size_t bytes) {
  return envelope(std::string(bytes - envelope("").size(), '*'));
}

void expect_echo(const std::string& name, WsClient& client, std::string_view text) {
  ++EchoPeer::cases();
  INFO(name);
  try {
    const WsFrame frame = client.next_data();
    CHECK(frame.opcode == kWsText);
    CHECK(frame.fin);
    CHECK_FALSE(frame.masked);
    CHECK(frame.rsv == 0);
    CHECK(frame.payload.find(R"("data":")" + std::string(text) + "\"") != std::string::npos);
  } catch (const TestFailure& failure) {
    FAIL_CHECK(name << ": " << failure.what());
  }
}

void expect_close(const std::string& name, WsClient& client, int code) {
  ++EchoPeer::cases();
  INFO(name);
  try {
    const WsEnd end = client.wait_for_close();
    CHECK(end.code == code);
    CHECK(client.tcp_ends());
  } catch (const TestFailure& failure) {
    FAIL_CHECK(name << ": " << failure.what());
  }
}

void expect_pong(const std::string& name, WsClient& client, std::string_view payload) {
  ++EchoPeer::cases();
  INFO(name);
  try {
    const auto frame = client.next_frame();
    REQUIRE(frame.has_value());
    CHECK(frame->opcode == kWsPong);
    CHECK(frame->fin);
    CHECK(frame->payload == payload);
  } catch (const TestFailure& failure) {
    FAIL_CHECK(name << ": " << failure.what());
  }
}

void expect_alive(const std::string& name, WsClient& client) {
  client.send_text(envelope("alive"));
  expect_echo(name, client, "alive");
}

void send_chopped(WsClient& client, std::string_view bytes, std::size_t step) {
  if (step == 0) step = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    client.send_raw(bytes.substr(at, step));
  }
}

}  // namespace tako::test
