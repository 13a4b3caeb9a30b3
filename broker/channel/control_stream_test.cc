// Changes are numbered, sent on and waited for.
#include "broker/channel/control_stream.h"

#include <doctest/doctest.h>

#include <optional>

namespace tako::broker {
namespace {

class Edge final : public ControlFollower {
 public:
  Edge(ControlStream& stream, std::string name) : stream_(stream), name_(std::move(name)) {
    stream_.add(*this);
  }
  ~Edge() { stream_.remove(*this); }
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  void on_control() override { ++told; }
  [[nodiscard]] std::string_view edge_name() const override { return name_; }
  [[nodiscard]] std::uint64_t control_applied() const override { return applied_; }
  void apply(std::uint64_t number) {
    applied_ = number;
    stream_.on_applied(*this);
  }

  int told = 0;

 private:
  ControlStream& stream_;
  std::string name_;
  std::uint64_t applied_ = 0;
};

struct Bench {
  std::uint64_t append(const std::string& app) { return stream.append(app, 1, "{}"); }
  // What a wait was answered with; nullopt: nothing yet.
  std::optional<std::vector<std::string>>& wait(std::uint64_t number) {
    stream.wait_applied(number,
                        [this](std::vector<std::string> names) { pending = std::move(names); });
    return pending;
  }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  ControlStream stream{5, clock, limits, counters};
  std::optional<std::vector<std::string>> pending;
};

using Names = std::vector<std::string>;

TEST_CASE("whoever links is given the newest change of each app, in order, up to the head") {
  Bench bench;
  CHECK(bench.stream.next_after(0) == nullptr);
  CHECK(bench.append("a") == 1);
  CHECK(bench.append("b") == 2);
  CHECK(bench.append("a") == 3);
  REQUIRE(bench.stream.next_after(0) != nullptr);
  CHECK(bench.stream.next_after(0)->app == "b");
  CHECK(bench.stream.next_after(2)->number == 3);
  CHECK(bench.stream.next_after(3) == nullptr);
  CHECK(bench.stream.head() == 3);
}

TEST_CASE("without edges a change is applied at once") {
  Bench bench;
  CHECK(bench.wait(bench.append("a")) == Names{});
}

TEST_CASE("a wait ends when the last linked edge has applied") {
  Bench bench;
  Edge one(bench.stream, "one");
  Edge two(bench.stream, "two");
  auto& answer = bench.wait(bench.append("a"));
  CHECK(one.told == 1);
  one.apply(1);
  CHECK_FALSE(answer.has_value());
  two.apply(1);
  CHECK(answer == Names{});
  CHECK(bench.counters.definitions_apply_wait_ms == 0);
}

TEST_CASE("an edge that is late is named") {
  Bench bench;
  Edge one(bench.stream, "one");
  Edge two(bench.stream, "two");
  auto& answer = bench.wait(bench.append("a"));
  two.apply(1);
  bench.clock.advance(bench.limits.definitions_apply_wait_ms - 1);
  bench.stream.tick();
  CHECK_FALSE(answer.has_value());
  bench.clock.advance(1);
  bench.stream.tick();
  CHECK(answer == Names{"one"});
  CHECK(bench.counters.definitions_apply_wait_ms == 1);
}

TEST_CASE("an edge that goes is waited for no longer") {
  Bench bench;
  std::optional<Edge> one;
  one.emplace(bench.stream, "one");
  auto& answer = bench.wait(bench.append("a"));
  CHECK_FALSE(answer.has_value());
  one.reset();
  CHECK(answer == Names{});
}

TEST_CASE("an edge that has applied a later change has applied the earlier") {
  Bench bench;
  Edge one(bench.stream, "one");
  auto& answer = bench.wait(bench.append("a"));
  bench.append("b");
  one.apply(2);
  CHECK(answer == Names{});
}

TEST_CASE("who is answered may make the next change") {
  Bench bench;
  Edge one(bench.stream, "one");
  int answers = 0;
  bench.stream.wait_applied(bench.append("a"), [&](const Names&) {
    ++answers;
    bench.stream.wait_applied(bench.append("a"), [&](const Names&) { ++answers; });
  });
  one.apply(1);
  CHECK(answers == 1);
  one.apply(2);
  CHECK(answers == 2);
}

}  // namespace
}  // namespace tako::broker
