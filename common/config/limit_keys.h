// The limits that an operator may change, by name: member, range, and what they bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "common/config/value.h"
#include "common/runtime_limits.h"

namespace tako::config {

enum class LimitScope : std::uint8_t { Process, App };  // App: [[apps]] may change it for itself

struct LimitKey {
  std::string_view name;
  std::variant<std::size_t RuntimeLimits::*, std::int64_t RuntimeLimits::*> member;
  std::int64_t min;
  std::int64_t max;
  std::string_view help;
  LimitScope scope = LimitScope::Process;

  [[nodiscard]] Rule rule() const { return {.check = nullptr, .min = min, .max = max}; }
  [[nodiscard]] Slot slot(RuntimeLimits& limits) const;
};

// In the order of RuntimeLimits, every member once.
[[nodiscard]] std::span<const LimitKey> limit_keys();

}  // namespace tako::config
