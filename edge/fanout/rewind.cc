// Reads a rewind as clients write it.
#include "edge/fanout/rewind.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/limits.h"

namespace tako::edge {
namespace {

constexpr std::int64_t kSecondMs = 1'000;
constexpr std::int64_t kMinuteMs = 60 * kSecondMs;
constexpr std::int64_t kHourMs = 60 * kMinuteMs;
// Any number of them in hours is a time; no log is as old as that.
constexpr std::size_t kDigitsMax = 9;

std::unexpected<Error> malformed(LimitCounter limit = nullptr) {
  return fail_at(limit, ErrorCode::MessageMalformed,
                 "rewind is a number of messages (at most " +
                     std::to_string(limits::kRewindMessagesMax) +
                     "), or a text such as \"90s\", \"5m\" or \"2h\"");
}

std::int64_t unit_of(std::string_view text) {
  if (text == "s") return kSecondMs;
  if (text == "m") return kMinuteMs;
  return text == "h" ? kHourMs : 0;
}

}  // namespace

Result<Rewind> parse_rewind(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > kDigitsMax) return malformed();
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + digits, number);
  const std::string_view unit = text.substr(digits);
  if (unit.empty()) {
    if (number > limits::kRewindMessagesMax) return malformed(&LimitCounters::rewind_messages_max);
    return Rewind{.messages = number};
  }
  const std::int64_t unit_ms = unit_of(unit);
  if (unit_ms == 0) return malformed();
  return Rewind{.ms = number * unit_ms};
}

}  // namespace tako::edge
