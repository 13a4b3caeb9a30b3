// Randomness as a parameter: the kernel's, and a seeded one for tests.
#pragma once

#include <cstdint>
#include <random>

namespace tako {

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); 0 when bound is 0. For jitter, not for secrets' lengths.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
};

// getrandom(2): epochs, keys and tokens come from here.
class SystemRandom : public Random {
 public:
  [[nodiscard]] std::uint64_t next() override;
};

class SeededRandom : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  [[nodiscard]] std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace tako
