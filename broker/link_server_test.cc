// The broker's goodbye to edges on real sockets: those that answer, and those that do not.
#include "broker/link_server.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "broker/test_edge.h"
#include "common/ipc/link_dialer.h"

namespace tako::broker {
namespace {

constexpr std::chrono::seconds kGoodbyePatience{20};

// An edge that greets, and answers a goodbye if it knows what that is.
struct ScriptedEdge : ipc::LinkObserver {
  bool knows_goodbyes;
  std::unique_ptr<ipc::Link> link;
  std::unique_ptr<ipc::LinkDialer> dialer;
  bool is_welcome = false;
  bool is_cut = false;

  ScriptedEdge(uv::Loop& loop, const std::string& path, std::uint64_t instance, bool knows)
      : knows_goodbyes(knows),
        dialer(std::make_unique<ipc::LinkDialer>(
            loop, path, [this, instance](Result<std::unique_ptr<ipc::Link>> dialed) {
              REQUIRE(dialed.has_value());
              link = std::move(*dialed);
              link->start(*this);
              proto::EdgeFrame frame;
              proto::Hello& hello = *frame.add_items()->mutable_hello();
              hello.set_version_min(1);
              hello.set_version_max(1);
              hello.set_edge_name("e" + std::to_string(instance));
              hello.set_instance(instance);
              say(frame);
            })) {
    dialer->dial();
  }
  void say(const proto::EdgeFrame& frame) {
    link->send(frame.SerializeAsString());
    link->flush();
  }
  void on_frame(std::span<const std::byte> bytes) override {
    proto::BrokerFrame frame;
    REQUIRE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    for (const proto::BrokerItem& item : frame.items()) {
      is_welcome |= item.has_welcome();
      if (!item.has_leaving() || !knows_goodbyes) continue;
      proto::EdgeFrame seen;
      seen.add_items()->mutable_leave_seen();
      say(seen);
    }
  }
  void on_drained() override {}
  void on_closed(const Error& /*error*/) override { is_cut = true; }
};

struct GoodbyeBench : LinkBench {
  explicit GoodbyeBench(std::int64_t leave_ms) : LinkBench(with_leave_ms(leave_ms)) {
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    REQUIRE(server.listen(folder + "/link").has_value());
  }
  ~GoodbyeBench() { std::filesystem::remove_all(folder); }
  static RuntimeLimits with_leave_ms(std::int64_t leave_ms) {
    RuntimeLimits limits;
    limits.link_leave_ms = leave_ms;
    return limits;
  }
  std::unique_ptr<ScriptedEdge> link_edge(std::uint64_t instance, bool knows_goodbyes) {
    auto edge = std::make_unique<ScriptedEdge>(uv_loop, folder + "/link", instance, knows_goodbyes);
    wait([&] { return edge->is_welcome; });
    return edge;
  }
  template <typename Condition>
  void wait(Condition condition) {
    REQUIRE(uv_loop.run_until(condition, kGoodbyePatience));
  }

  std::string folder = (std::filesystem::temp_directory_path() / "tako-leave-XXXXXX").string();
  uv::Loop uv_loop;
  LinkServer server{uv_loop, edges};
};

TEST_CASE("the broker ends when every edge has answered its goodbye") {
  GoodbyeBench bench(60'000);
  const auto one = bench.link_edge(1, true);
  const auto two = bench.link_edge(2, true);
  bool is_done = false;
  bench.server.leave([&] { is_done = true; });
  CHECK_FALSE(is_done);
  bench.wait([&] { return is_done && one->is_cut && two->is_cut; });
  CHECK(bench.counters.link_leave_ms == 0);
  CHECK(bench.server.links() == 0);
}

TEST_CASE("an edge that does not answer the goodbye is hung up on at the bound") {
  GoodbyeBench bench(50);
  const auto old = bench.link_edge(1, false);
  bool is_done = false;
  bench.server.leave([&] { is_done = true; });
  bench.wait([&] { return is_done && old->is_cut; });
  CHECK(bench.counters.link_leave_ms == 1);
  CHECK(bench.lines.str().find("link_leave_ms") != std::string::npos);
}

TEST_CASE("without edges there is nobody to wait for") {
  GoodbyeBench bench(60'000);
  bool is_done = false;
  bench.server.leave([&] { is_done = true; });
  CHECK(is_done);
}

}  // namespace
}  // namespace tako::broker
