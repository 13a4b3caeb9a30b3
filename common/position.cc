// Prints, parses and judges positions.
#include "common/position.h"

#include <algorithm>
#include <charconv>

namespace tako {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";  // RFC 4648 base32hex
constexpr std::size_t kEpochChars = 8;
constexpr std::uint64_t kEpochMask = (1ULL << 40U) - 1;
// 10^18: every offset up to here fits 64 bits, and no honest channel reaches it.
constexpr std::size_t kOffsetDigitsMax = 18;

Result<Epoch> parse_epoch(std::string_view text) {
  if (text.size() != kEpochChars) return fail(ErrorCode::CursorMalformed);
  std::uint64_t value = 0;
  for (const char digit : text) {
    const std::size_t index = kDigits.find(digit);
    if (index == std::string_view::npos) return fail(ErrorCode::CursorMalformed);
    value = value << 5U | index;
  }
  return Epoch{value};
}

Result<std::uint64_t> parse_offset(std::string_view text) {
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  if (text.empty() || text.size() > kOffsetDigitsMax || leading_zero) {
    return fail(ErrorCode::CursorMalformed);
  }
  std::uint64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::CursorMalformed);
  }
  return offset;
}

}  // namespace

Epoch make_epoch(std::uint64_t random_bits) { return Epoch{random_bits & kEpochMask}; }

std::string to_string(Epoch epoch) {
  std::string text(kEpochChars, '0');
  std::uint64_t rest = epoch.value;
  for (std::size_t i = kEpochChars; i-- > 0; rest >>= 5U) text[i] = kDigits[rest & 31U];
  return text;
}

std::string to_string(const Position& position) {
  return std::to_string(position.offset) + '-' + to_string(position.epoch);
}

std::string_view to_string(GapReason reason) {
  switch (reason) {
    case GapReason::WindowPassed:
      return "window-passed";
    case GapReason::HistoryLost:
      return "history-lost";
    case GapReason::AheadOfHead:
      return "ahead-of-head";
    case GapReason::Conflated:
      return "conflated";
  }
  return "unknown";
}

Result<Cursor> parse_cursor(std::string_view text) {
  if (text == "0") return Cursor{.from_oldest = true, .position = {}};
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return fail(ErrorCode::CursorMalformed);
  const auto offset = parse_offset(text.substr(0, dash));
  const auto epoch = parse_epoch(text.substr(dash + 1));
  if (!offset || !epoch) return fail(ErrorCode::CursorMalformed);
  return Cursor{.from_oldest = false, .position = {*offset, *epoch}};
}

Resume resume_at(const Cursor& cursor, const ReplayWindow& window) {
  if (cursor.from_oldest) return {.gap = false, .after = window.oldest - 1};
  const Position& seen = cursor.position;
  bool known = seen.epoch == window.epoch;
  if (!known) {
    const auto older = std::ranges::find(window.older_epochs, seen.epoch, &EpochEnd::epoch);
    known = older != window.older_epochs.end() && seen.offset <= older->end_offset;
  }
  if (!known) return {.gap = true, .reason = GapReason::HistoryLost, .after = window.head};
  if (seen.offset > window.head) {
    return {.gap = true, .reason = GapReason::AheadOfHead, .after = window.head};
  }
  if (seen.offset + 1 < window.oldest) {
    return {.gap = true, .reason = GapReason::WindowPassed, .after = window.head};
  }
  return {.gap = false, .after = seen.offset};
}

}  // namespace tako
