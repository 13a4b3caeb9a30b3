// Draws faults by their weights.
#include "tests/laws/faults.h"

#include <array>
#include <random>
#include <string_view>

namespace tako::test {
namespace {

using std::chrono::milliseconds;

// In the order of Fault::Kind. A broker that is killed is what the log has to survive: most often.
constexpr std::array<std::uint64_t, Fault::kKinds> kWeights = {30, 8, 12, 6, 14, 8, 8, 10, 6};
constexpr std::array<std::string_view, Fault::kKinds> kNames = {
    "kill broker",  "kill broker twice", "restart broker", "freeze broker",       "kill edge",
    "restart edge", "freeze edge",       "hand over edge", "kill broker and edge"};

constexpr std::uint64_t kLoadMsMax = 500;
constexpr std::uint64_t kAwayMsMax = 300;
constexpr std::uint64_t kFrozenMsMax = 900;

}  // namespace

std::string describe(const Fault& fault) {
  return std::string(kNames.at(static_cast<std::size_t>(fault.kind))) + ' ' +
         std::to_string(fault.edge) + " after " + std::to_string(fault.before.count()) +
         " ms for " + std::to_string(fault.away.count()) + " ms";
}

std::vector<Fault> draw_faults(std::uint64_t seed, int count, std::size_t edges) {
  std::mt19937_64 random(seed);
  std::uint64_t weights = 0;
  for (const std::uint64_t weight : kWeights) weights += weight;
  std::vector<Fault> faults;
  for (int i = 0; i < count; ++i) {
    std::uint64_t dice = random() % weights;
    std::size_t kind = 0;
    while (dice >= kWeights.at(kind)) dice -= kWeights.at(kind++);
    Fault fault{.kind = static_cast<Fault::Kind>(kind),
                .edge = random() % edges,
                .before = milliseconds(50 + random() % kLoadMsMax),
                .away = milliseconds(random() % kAwayMsMax)};
    const bool is_freeze =
        fault.kind == Fault::Kind::FreezeBroker || fault.kind == Fault::Kind::FreezeEdge;
    if (is_freeze) fault.away = milliseconds(random() % kFrozenMsMax);
    faults.push_back(fault);
  }
  return faults;
}

}  // namespace tako::test
