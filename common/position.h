// Position: a message's place in its channel (offset and epoch); Cursor: what a client resumes
// from.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace tako {

// Names one unbroken history of a numbering: 40 random bits, on the wire 8 characters 0-9a-v.
struct Epoch {
  std::uint64_t value = 0;
  friend bool operator==(Epoch, Epoch) = default;
};

// Offsets of a channel rise densely from 1. Offset 0 stands before the first message. Offsets of
// two epochs compare only through the recorded end of the older (EpochEnd).
struct Position {
  std::uint64_t offset = 0;
  Epoch epoch;
  friend bool operator==(const Position&, const Position&) = default;
};

// An older epoch of a channel and the last offset that belongs to it. Numbering goes on behind it.
struct EpochEnd {
  Epoch epoch;
  std::uint64_t end_offset = 0;
  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

// What a client sends to resume: a position, or "everything retained" (the cursor `0`).
struct Cursor {
  bool from_oldest = false;
  Position position;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

[[nodiscard]] Epoch make_epoch(std::uint64_t random_bits);
// `<offset>-<epoch>`, as message ids are.
[[nodiscard]] std::string to_string(const Position& position);
[[nodiscard]] std::string to_string(Epoch epoch);
// Errors: CursorMalformed for anything that is neither an id nor `0`.
[[nodiscard]] Result<Cursor> parse_cursor(std::string_view text);

// What a channel can still give, as far as the holder of a log or of a tail cache knows.
struct ReplayWindow {
  Epoch epoch;                           // current
  std::uint64_t head = 0;                // offset of the newest message ever; 0: none yet
  std::uint64_t oldest = 1;              // smallest offset retained; head + 1 when nothing is
  std::vector<EpochEnd> older_epochs{};  // that continue into this one, oldest first
};

enum class GapReason : std::uint8_t { WindowPassed, HistoryLost, AheadOfHead, Conflated };
[[nodiscard]] std::string_view to_string(GapReason reason);

// Where a cursor goes on: the last offset already seen, in the current epoch's numbering; or a gap.
struct Resume {
  bool gap = false;
  GapReason reason = GapReason::WindowPassed;  // when gap
  std::uint64_t after = 0;                     // deliver from after + 1 on (head when gap)
};

// The one place that judges a cursor (protocol document, "Cursor answers").
[[nodiscard]] Resume resume_at(const Cursor& cursor, const ReplayWindow& window);

}  // namespace tako
