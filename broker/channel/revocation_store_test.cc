// Revocations and bans over a restart of the broker, and of the machine.
#include "broker/channel/revocation_store.h"

#include <doctest/doctest.h>

#include <map>

#include "broker/channel/control_stream.h"

namespace tako::broker {
namespace {

// Rows in memory: what a broker has put is there for the next one.
class RowStore final : public StateStore {
 public:
  explicit RowStore(std::map<std::string, std::string>& rows) : rows_(rows) {}

  std::vector<StateRow> restore(std::string_view prefix) override {
    std::vector<StateRow> out;
    for (const auto& [key, value] : rows_) {
      if (key.starts_with(prefix)) out.push_back({key, value});
    }
    return out;
  }
  void put(std::string key, std::string value) override {
    rows_.insert_or_assign(std::move(key), std::move(value));
  }
  void erase(std::string key) override { rows_.erase(key); }
  void when_written(OnWritten on_written) override { on_written({}); }
  void tick() override {}
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return true; }

 private:
  std::map<std::string, std::string>& rows_;
  StateCounters counters_;
};

// One machine, on which brokers come and go.
struct Machine {
  struct Broker {
    Broker(Machine& machine, std::uint64_t id)
        : state(machine.rows),
          store(state, machine.boot),
          stream(id, machine.clock, machine.limits, machine.counters) {
      stream.restore(store);
    }
    RowStore state;
    RevocationStore store;
    ControlStream stream;
  };

  Revocation revocation(std::string subject) const {
    return {.app = "a",
            .subject = std::move(subject),
            .name = "chat",
            .key = "chat?r=\"1\"",
            .at_ms = clock.monotonic_ms(),
            .reason = "why"};
  }

  FakeClock clock;
  RuntimeLimits limits;
  LimitCounters counters;
  std::string boot = "boot-1";
  std::map<std::string, std::string> rows;
};

TEST_CASE("recent revocations are given by the next broker, whole and in order") {
  Machine machine;
  const Revocation ann = machine.revocation("ann");
  {
    Machine::Broker first(machine, 11);
    CHECK(first.stream.head() == 0);
    first.stream.append(ann);
    first.stream.append(machine.revocation("bob"));
  }
  machine.clock.advance(machine.limits.revocation_keep_ms * 3);  // Nobody was there meanwhile.
  Machine::Broker second(machine, 12);
  REQUIRE(second.stream.head() == 2);
  CHECK(*second.stream.next_after(0)->revocation() == ann);
  CHECK(second.stream.next_after(1)->revocation()->subject == "bob");
}

TEST_CASE("a ban outlives brokers until it is over, one that was lifted does not") {
  Machine machine;
  Revocation ban = machine.revocation("ann");
  ban.banned_until_ms = machine.clock.wall_ms() + 600'000;
  {
    Machine::Broker first(machine, 11);
    first.stream.append(ban);
    Revocation other = ban;
    other.subject = "bob";
    first.stream.append(other);
    other.at_ms = 0;
    other.banned_until_ms = 1;
    first.stream.append(other);
    machine.clock.advance(300'000);
    first.stream.tick();
  }
  {
    Machine::Broker second(machine, 12);
    CHECK(second.stream.revocations().bans() == 1);
  }
  machine.clock.advance(300'000);
  Machine::Broker third(machine, 13);
  CHECK(third.stream.revocations().bans() == 0);
}

TEST_CASE("what was passed over is said again to those who were behind it, and to nobody else") {
  Machine machine;
  {
    Machine::Broker first(machine, 11);
    first.stream.append(machine.revocation("ann"));
    machine.clock.advance(machine.limits.revocation_keep_ms);
    first.stream.tick();
    first.stream.append(DefinitionsChange{.app = "a", .version = 1, .json = "{}"});
  }
  Machine::Broker second(machine, 12);
  REQUIRE(second.stream.head() == 1);
  CHECK(second.stream.next_after(0)->revocation()->reauthorize);
  CHECK(second.stream.start_of(11, 0) == 0);
  CHECK(second.stream.start_of(11, 1) == 1);
  CHECK(second.stream.start_of(0, 0) == 0);   // A new edge: it has nobody to ask about.
  CHECK(second.stream.start_of(10, 5) == 0);  // Of an even older broker: nobody knows.
  CHECK(second.stream.start_of(12, 1) == 1);
}

TEST_CASE("another run of the machine has bans, and nobody who was granted anything before") {
  Machine machine;
  Revocation ban = machine.revocation("ann");
  ban.banned_until_ms = machine.clock.wall_ms() + 600'000;
  {
    Machine::Broker first(machine, 11);
    first.stream.append(ban);
    first.stream.append(machine.revocation("bob"));
  }
  machine.boot = "boot-2";
  Machine::Broker second(machine, 12);
  CHECK(second.stream.head() == 1);
  CHECK(second.stream.revocations().bans() == 1);
  CHECK(second.stream.revocations().recent() == 0);
}

TEST_CASE("rows go with what they are of") {
  Machine machine;
  Machine::Broker broker(machine, 11);
  for (int i = 0; i < 5; ++i) {
    Revocation ban = machine.revocation("ann");
    ban.banned_until_ms = machine.clock.wall_ms() + 1'000;
    broker.stream.append(ban);
  }
  machine.clock.advance(machine.limits.revocation_keep_ms);
  broker.stream.tick();
  CHECK(machine.rows.size() == 2);  // The stream, and what was passed over.
}

}  // namespace
}  // namespace tako::broker
