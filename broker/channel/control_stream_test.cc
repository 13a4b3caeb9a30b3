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
  [[nodiscard]] bool takes_revocations() const override { return !is_old; }
  void apply(std::uint64_t number, std::uint32_t subscriptions = 0) {
    applied_ = number;
    stream_.on_applied(*this, subscriptions);
  }

  int told = 0;
  bool is_old = false;

 private:
  ControlStream& stream_;
  std::string name_;
  std::uint64_t applied_ = 0;
};

struct Bench {
  std::uint64_t append(const std::string& app) {
    return stream.append(DefinitionsChange{.app = app, .version = 1, .json = "{}"});
  }
  std::uint64_t revoke(const std::string& subject) {
    return stream.append(Revocation{.app = "a", .subject = subject, .at_ms = clock.monotonic_ms()});
  }
  // What a wait was answered with; nullopt: nothing yet.
  std::optional<std::vector<std::string>>& wait(std::uint64_t number) {
    stream.wait_applied(number,
                        [this](ControlOutcome outcome) { pending = std::move(outcome.pending); });
    return pending;
  }
  std::optional<ControlOutcome>& wait_revoked(std::uint64_t number) {
    stream.wait_revoked(number, [this](ControlOutcome got) { outcome = std::move(got); });
    return outcome;
  }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  ControlStream stream{5, clock, limits, counters};
  std::optional<std::vector<std::string>> pending;
  std::optional<ControlOutcome> outcome;
};

using Names = std::vector<std::string>;

TEST_CASE("whoever links is given the newest change of each app, in order, up to the head") {
  Bench bench;
  CHECK(bench.stream.next_after(0) == nullptr);
  CHECK(bench.append("a") == 1);
  CHECK(bench.append("b") == 2);
  CHECK(bench.append("a") == 3);
  REQUIRE(bench.stream.next_after(0) != nullptr);
  CHECK(bench.stream.next_after(0)->definitions()->app == "b");
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
  bench.stream.wait_applied(bench.append("a"), [&](const ControlOutcome&) {
    ++answers;
    bench.stream.wait_applied(bench.append("a"), [&](const ControlOutcome&) { ++answers; });
  });
  one.apply(1);
  CHECK(answers == 1);
  one.apply(2);
  CHECK(answers == 2);
}

TEST_CASE("revocations and definitions are one stream, in the order in which they were made") {
  Bench bench;
  CHECK(bench.revoke("ann") == 1);
  CHECK(bench.append("a") == 2);
  CHECK(bench.revoke("bob") == 3);
  REQUIRE(bench.stream.next_after(0) != nullptr);
  CHECK(bench.stream.next_after(0)->revocation()->subject == "ann");
  CHECK(bench.stream.next_after(1)->definitions() != nullptr);
  CHECK(bench.stream.next_after(2)->revocation()->subject == "bob");
  CHECK(bench.stream.next_after(3) == nullptr);
}

TEST_CASE("a revocation's answer sums what the edges have met") {
  Bench bench;
  Edge one(bench.stream, "one");
  Edge two(bench.stream, "two");
  const auto& answer = bench.wait_revoked(bench.revoke("ann"));
  one.apply(1, 2);
  CHECK_FALSE(answer.has_value());
  two.apply(1, 3);
  REQUIRE(answer.has_value());
  CHECK(answer->subscriptions == 5);
  CHECK(answer->pending.empty());
}

TEST_CASE("an edge that can't apply a revocation is named, and not waited for") {
  Bench bench;
  Edge old(bench.stream, "old");
  old.is_old = true;
  const auto& answer = bench.wait_revoked(bench.revoke("ann"));
  REQUIRE(answer.has_value());
  CHECK(answer->pending == Names{"old"});
}

TEST_CASE("an edge that goes before it has applied a revocation is named: it may have clients") {
  Bench bench;
  Edge stays(bench.stream, "stays");
  std::optional<Edge> goes;
  goes.emplace(bench.stream, "goes");
  const auto& answer = bench.wait_revoked(bench.revoke("ann"));
  goes.reset();
  stays.apply(1, 1);
  REQUIRE(answer.has_value());
  CHECK(answer->pending == Names{"goes"});
  CHECK(answer->subscriptions == 1);
}

TEST_CASE("an edge that is late with a revocation is named after its own wait") {
  Bench bench;
  bench.limits.revocation_apply_wait_ms = 300;
  Edge one(bench.stream, "one");
  const auto& answer = bench.wait_revoked(bench.revoke("ann"));
  bench.clock.advance(299);
  bench.stream.tick();
  CHECK_FALSE(answer.has_value());
  bench.clock.advance(1);
  bench.stream.tick();
  REQUIRE(answer.has_value());
  CHECK(answer->pending == Names{"one"});
  CHECK(bench.counters.revocation_apply_wait_ms == 1);
}

}  // namespace
}  // namespace tako::broker
