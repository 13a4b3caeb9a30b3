// The bounds of waiting in tests: a condition within a time, never a sleep in hope.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tako::test {

using Duration = std::chrono::milliseconds;
using Deadline = std::chrono::steady_clock::time_point;

// How long a test waits for what must come. Only a failing test ever waits as long; sanitizer
// builds on a busy machine are why it is not shorter.
inline constexpr Duration kPatience = std::chrono::seconds(15);

// What support code throws when the system under test did not do what the test needs; doctest
// reports it as the failure of the running test case.
class TestFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[nodiscard]] inline Deadline deadline_in(Duration bound) {
  return std::chrono::steady_clock::now() + bound;
}

// Milliseconds until `deadline` for poll(2): 0 when it has passed.
[[nodiscard]] int poll_timeout(Deadline deadline);

// Evaluates `condition` until it holds; false when `bound` passed before.
[[nodiscard]] bool eventually(const std::function<bool()>& condition, Duration bound = kPatience);

// As `eventually`, but throws TestFailure("waited for <what>").
void wait_until(std::string_view what, const std::function<bool()>& condition,
                Duration bound = kPatience);

}  // namespace tako::test
