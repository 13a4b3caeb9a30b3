// The operator's three routes on a real address.
#include "common/config/admin.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "common/json_text.h"
#include "common/uv/loop.h"
#include "common/uv/timer_wheel.h"
#include "tests/support/http_client.h"

namespace tako {
namespace {

// Serves on a port that the kernel chose, with the loop on a thread of its own.
class RunningAdmin {
 public:
  RunningAdmin() {
    metrics_.gauge("tako_answer", "The answer.", [] { return 42.0; });
    const auto bound = admin_->listen(uv::TcpAddress{"127.0.0.1", 0});
    REQUIRE(bound.has_value());
    endpoint_ = uv::to_string(*bound);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~RunningAdmin() {
    loop_.post([this] {
      admin_.reset();
      loop_.stop();
    });
    thread_.join();
  }
  RunningAdmin(const RunningAdmin&) = delete;
  RunningAdmin& operator=(const RunningAdmin&) = delete;

  test::HttpResponse ask(const std::string& target, const std::string& method = "GET") {
    return test::http(endpoint_, {.method = method, .target = target});
  }
  std::atomic<bool> is_ready = true;

 private:
  uv::Loop loop_;
  uv::LoopTimerWheel wheel_{loop_};
  Metrics metrics_;
  std::unique_ptr<AdminServer> admin_ =
      std::make_unique<AdminServer>(loop_, wheel_.wheel(), metrics_, [this] {
        return is_ready ? std::vector<std::string>{} : std::vector<std::string>{"no \"link\""};
      });
  test::Endpoint endpoint_;
  std::thread thread_;
};

TEST_CASE("healthz says that the loop turns, and which version") {
  RunningAdmin admin;
  const auto response = admin.ask("/healthz");
  CHECK(response.status == 200);
  CHECK(response.json()["ok"].boolean());
  CHECK_FALSE(response.json()["version"].string().empty());
}

TEST_CASE("readyz gives the reasons when it is not") {
  RunningAdmin admin;
  CHECK(admin.ask("/readyz").body == R"({"ready":true,"reasons":[]})");
  admin.is_ready = false;
  const auto response = admin.ask("/readyz");
  CHECK(response.status == 503);
  CHECK(response.body == R"({"ready":false,"reasons":["no \"link\""]})");
}

TEST_CASE("metrics are Prometheus text") {
  RunningAdmin admin;
  const auto response = admin.ask("/metrics");
  CHECK(response.status == 200);
  CHECK(response.header("content-type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(response.body.find("\ntako_answer 42\n") != std::string::npos);
}

TEST_CASE("anything else is refused in the catalogue's form") {
  RunningAdmin admin;
  CHECK(admin.ask("/").error_code() == "not-found");
  CHECK(admin.ask("/metrics/").status == 404);
  const auto post = admin.ask("/metrics", "POST");
  CHECK(post.status == 405);
  CHECK(post.header("allow") == "GET, HEAD");
  CHECK(admin.ask("/metrics?x=1").status == 200);
}

}  // namespace
}  // namespace tako
