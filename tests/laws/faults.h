// What happens to the processes in a crash loop, and when: drawn from a seed before it begins.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tako::test {

struct Fault {
  enum class Kind : std::uint8_t {
    KillBroker,       // SIGKILL
    KillBrokerTwice,  // SIGKILL, and again while the next one starts
    RestartBroker,    // SIGTERM
    FreezeBroker,     // SIGSTOP, later SIGCONT
    KillEdge,
    RestartEdge,
    FreezeEdge,
    HandOverEdge,  // to a successor that takes its clients over
    KillBoth,      // broker and an edge at once
  };
  static constexpr std::size_t kKinds = 9;

  Kind kind = Kind::KillBroker;
  std::size_t edge = 0;
  std::chrono::milliseconds before{0};  // of load, until it happens
  std::chrono::milliseconds away{0};    // until who was ended is started again, or goes on
};

[[nodiscard]] std::string describe(const Fault& fault);

// `count` faults among `edges` edges; the same for the same seed.
[[nodiscard]] std::vector<Fault> draw_faults(std::uint64_t seed, int count, std::size_t edges);

}  // namespace tako::test
