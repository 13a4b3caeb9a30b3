// The admin addresses: health, readiness and metrics of both processes, and nothing else.
#include <doctest/doctest.h>

#include <sstream>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

TEST_CASE("both processes answer healthz, readyz and metrics") {
  Cluster tako(with_definitions());
  for (const Endpoint& admin : {tako.edge_admin(), tako.broker_admin()}) {
    CHECK(http_get(admin, "/healthz").json()["ok"].boolean());
    CHECK(http_get(admin, "/readyz").json()["ready"].boolean());
    const HttpResponse metrics = http_get(admin, "/metrics");
    CHECK(metrics.status == 200);
    CHECK(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    CHECK(metrics.body.find("# TYPE tako_limit_hits_total counter") != std::string::npos);
    CHECK(has_metric(admin, "tako_build_info"));
    CHECK(has_metric(admin, "process_resident_memory_bytes"));
    CHECK(metric(admin, "process_open_fds") > 3);
  }
}

TEST_CASE("an admin address serves no channels, and the public one no metrics") {
  Cluster tako(with_definitions());
  CHECK(http_get(tako.edge_admin(), channel_path("feed")).status == 404);
  CHECK(http_get(tako.edge_admin(), "/").status == 404);
  CHECK(http(tako.edge_admin(), {.method = "POST", .target = "/metrics"}).status == 405);
  CHECK(http_get(tako.edge(), "/metrics").body == "app /metrics");
  CHECK(http_get(tako.edge(), "/readyz").body == "app /readyz");
}

TEST_CASE("readyz of an edge says why it is not ready") {
  Cluster tako(with_definitions());
  tako.kill_broker();
  wait_until("readyz to turn",
             [&] { return http_get(tako.edge_admin(), "/readyz").status == 503; });
  const Json body = http_get(tako.edge_admin(), "/readyz").json();
  CHECK_FALSE(body["ready"].boolean());
  CHECK(body["reasons"].size() > 0);
  CHECK(http_get(tako.edge_admin(), "/healthz").status == 200);
  tako.start_broker();
  tako.wait_until_ready();
}

TEST_CASE("metrics follow clients and messages, and name no channel") {
  // Names that no metric and no help text has by itself.
  Cluster tako(with_definitions(R"([{"name":"secret-channel","auth":false,"transport":"sse"}])"));
  const double fds = metric(tako.edge_admin(), "process_open_fds");
  {
    SseClient one(tako.edge(), channel_path("secret-channel"));
    SseClient two(tako.edge(), channel_path("secret-channel"));
    static_cast<void>(one.opening_id());
    static_cast<void>(two.opening_id());
    tako.publish("secret-channel", "secret-type", R"("secret-data")");
    static_cast<void>(one.next_message());
    CHECK(metric(tako.edge_admin(), "process_open_fds") >= fds + 2);
    for (const Endpoint& admin : {tako.edge_admin(), tako.broker_admin()}) {
      const std::string text = http_get(admin, "/metrics").body;
      CHECK(text.find("secret") == std::string::npos);
    }
  }
  wait_until("the clients' descriptors to be closed",
             [&] { return metric(tako.edge_admin(), "process_open_fds") <= fds; });
}

TEST_CASE("logs contain no payloads and no tokens") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--log-level", "debug"};
  options.broker_arguments = {"--log-level", "debug"};
  Cluster tako(options);
  SseClient client(tako.edge(), channel_path("chat", "roomId=1"),
                   {{"Authorization", "Bearer hidden-token"}});
  static_cast<void>(client.opening_id());
  tako.publish("chat", "t", R"("hidden-payload")", "roomId=1");
  static_cast<void>(client.next_message());
  HttpConnection forged(tako.edge());
  forged.send_raw("GET /x%0aforged HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: a\x1b[31mb\r\n\r\n");
  static_cast<void>(forged.read_response());
  client.close();
  const std::string logs = tako.edge_process().errors() + tako.broker().errors() +
                           tako.edge_process().output() + tako.broker().output();
  CHECK(logs.find("hidden-token") == std::string::npos);
  CHECK(logs.find("hidden-payload") == std::string::npos);
  CHECK(logs.find("stub-app-secret") == std::string::npos);
  CHECK(logs.find('\x1b') == std::string::npos);
}

TEST_CASE("log lines can be JSON, one object each") {
  ClusterOptions options = with_definitions();
  options.edge_arguments = {"--log-format", "json"};
  Cluster tako(options);
  tako.edge_process().wait_for_text("listening");  // The log has a thread of its own.
  const std::string logs = tako.edge_process().errors();
  std::istringstream lines(logs.substr(0, logs.rfind('\n')));
  for (std::string line; std::getline(lines, line);) CHECK(Json::parse(line).is_object());
}
