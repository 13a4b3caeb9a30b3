// What the behaviour tests check again and again.
#include "tests/behaviour/fixtures.h"

#include <doctest/doctest.h>

namespace tako::test {

void check_refused(const HttpResponse& response, int status, std::string_view code) {
  CHECK(response.status == status);
  CHECK(response.error_code() == code);
  CHECK_FALSE(response.json()["error"]["hint"].string().empty());
}

WsClient open_c(Cluster& tako) {
  WsClient client(tako.edge(), channel_path("c"));
  REQUIRE(client.status() == 101);
  return client;
}

void check_close(WsClient& client, int code, std::string_view reason) {
  REQUIRE(client.status() == 101);
  const WsEnd end = client.wait_for_close();
  CHECK(end.code == code);
  CHECK(end.reason == reason);
  CHECK(client.tcp_ends());
}

Bystander::Bystander(Cluster& tako) : tako_(tako), client_(tako.edge(), channel_path("feed")) {
  static_cast<void>(client_.opening_id());
}

void Bystander::check_unharmed() {
  const std::string id = tako_.publish("feed", "t", "1")["id"].string();
  CHECK(*client_.next_message().id == id);
}

}  // namespace tako::test
