// NativeFixture: the native protocol on an edge without sockets, with the channels that tests use.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edge/adapters/adapters.h"
#include "edge/session/testing/fake_edge.h"

namespace tako::edge::testing {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Texts = std::vector<std::string>;

inline constexpr std::string_view kDefinitions = R"({"definitions":[
  {"name":"chat","paramsSchema":{"type":"object","properties":{
     "roomId":{"type":"string","minLength":1},"limit":{"type":"integer"},
     "pinned":{"type":"boolean"}},"required":["roomId"]},
   "auth":{},"transport":"ws",
   "handlers":{"message":"relay","typing":"ephemeral"}},
  {"name":"open","auth":false,"transport":"ws","handlers":{"message":"relay"},
   "keepaliveIntervalMs":1000,"maxConnectionLifetimeMs":60000},
  {"name":"feed","auth":false,"transport":"sse","keepaliveIntervalMs":1000},
  {"name":"ck","auth":{"headerName":false,"cookieName":"sid"},"transport":"ws"},
  {"name":"both","auth":{"headerName":"x-token","cookieName":"sid"},"transport":"ws"},
  {"name":"desk","auth":{},"transport":"ws","paramsSchema":{"type":"object",
     "properties":{"n":{"type":"integer"},"who":{"type":"string"}}},"contextParams":["who"],
   "handlers":{"ask":"dispatch","message":"relay"}},
  {"name":"rated","auth":false,"transport":"ws","handlers":{"message":"relay"},
   "clientRate":{"connection":1,"subject":0,"channel":2}},
  {"name":"a/b","auth":false,"transport":"ws"}]})";

struct NativeFixture {
  NativeFixture() : edge(client_encoders(), client_presence_encoders()) {
    protocols = make_client_protocols(edge.services);
    edge.authorizer.decide = [](const AuthorizeCall& call) -> Result<Grant> {
      if (call.header && call.header->value == "down") return fail(ErrorCode::Unavailable);
      if (call.header && call.header->value == "unknown") return fail(ErrorCode::ChannelUnknown);
      const bool is_good = (call.header && call.header->value == "good") || call.cookie == "good";
      if (!is_good) return fail(ErrorCode::VerifyRejected);
      return Grant{.subject = "ann",
                   .expires_at_ms = {},
                   .keepalive_interval_ms = {},
                   .max_connection_lifetime_ms = {},
                   .rights = {}};
    };
    edge.broker.link_up();
    edge.define(kDefinitions);
  }
  ~NativeFixture() {
    for (FakeExchange& exchange : exchanges) exchange.connection.hang_up();
  }

  static constexpr std::string_view kRoot = "/_tako/channels/";

  // A request as far as the protocol takes it before anyone answers.
  FakeExchange& serve(ClientRequest request) {
    FakeExchange& exchange = exchanges.emplace_back(edge.clock);
    exchange.is_full = is_full;
    request.app = "default";
    request.host = "example.com";
    request.ip = "10.0.0.1";
    REQUIRE(protocols.front()->owns_path(request.path));
    protocols.front()->serve(std::make_shared<const ClientRequest>(std::move(request)), exchange);
    return exchange;
  }
  // `target`: what follows /_tako/channels/, with its query.
  FakeExchange& begin(std::string method, const std::string& target, Headers headers = {},
                      std::string body = {}) {
    ClientRequest request;
    const std::size_t mark = target.find('?');
    request.method = std::move(method);
    request.path = std::string(kRoot) + target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.headers = std::move(headers);
    request.body = std::move(body);
    for (const auto& [name, value] : request.headers) {
      request.is_websocket |= name == "upgrade" && value == "websocket";
    }
    return serve(std::move(request));
  }
  FakeExchange& get(const std::string& target, Headers headers = {}) {
    FakeExchange& exchange = begin("GET", target, std::move(headers));
    edge.run();
    return exchange;
  }
  FakeExchange& post(const std::string& target, std::string body, Headers headers = {}) {
    FakeExchange& exchange = begin("POST", target, std::move(headers), std::move(body));
    edge.run();
    return exchange;
  }
  FakeExchange& connect(const std::string& target, Headers headers = {}) {
    headers.emplace_back("upgrade", "websocket");
    return get(target, std::move(headers));
  }
  FakeExchange& connect_rich(const std::string& target, Headers headers = {}) {
    headers.emplace_back("sec-websocket-protocol", "other, tako.v1");
    return connect(target, std::move(headers));
  }
  FakeExchange& connect_bare() {
    ClientRequest request;
    request.method = "GET";
    request.path = "/_tako/channels";
    request.headers = {{"sec-websocket-protocol", "tako.v1"}};
    request.is_websocket = true;
    FakeExchange& exchange = serve(std::move(request));
    edge.run();
    return exchange;
  }
  void say(FakeExchange& exchange, std::string_view text) {
    exchange.connection.say(text);
    edge.run();
  }
  void publish(const std::string& key, std::string data = "1") {
    edge.broker.publish_to(key, {.type = "message", .data = std::move(data)});
    edge.run();
  }
  // Time passes in steps, as the loop's timers do.
  void pass(std::int64_t ms) {
    for (std::int64_t step = 0; step < ms; step += 100) {
      edge.advance(std::min<std::int64_t>(100, ms - step));
      for (FakeExchange& exchange : exchanges) {
        if (answers_pings) exchange.connection.pong();
        exchange.connection.run_deadline();
      }
    }
  }
  [[nodiscard]] std::string id(const std::string& key, std::uint64_t offset) {
    return to_string(Position{offset, edge.broker.log(key).epoch});
  }
  [[nodiscard]] std::string message(const std::string& key, const std::string& channel,
                                    std::uint64_t offset, const std::string& more = "") {
    return R"({"id":")" + id(key, offset) + R"(","channel":")" + channel +
           R"(","type":"message","data":1)" + more + "}";
  }

  FakeEdge edge;
  std::vector<std::unique_ptr<ClientProtocol>> protocols;
  std::deque<FakeExchange> exchanges;
  bool answers_pings = true;
  bool is_full = false;
};

inline const Headers kGood = {{"authorization", "Bearer good"}};

}  // namespace tako::edge::testing
