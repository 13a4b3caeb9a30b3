// One page of a channel's retained messages, by cursor and by time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/channel/channel_table.h"
#include "common/position.h"

namespace tako::broker {

struct PageRequest {
  std::optional<Cursor> after = {};   // exclusive; ascending from here
  std::optional<Cursor> before = {};  // exclusive; the newest ones before it. Neither: the newest
  bool with_before = false;           // `before` is inclusive
  std::int64_t from_ms = 0;           // at or after; 0: open
  std::int64_t to_ms = 0;             // at or before; 0: open
  std::size_t limit = 100;            // cut to history_page_max
  std::size_t bytes_max = 0;          // cut to history_page_bytes_max; 0: that
  // With `after`: an atomic batch is not cut, even above the limits.
  bool whole_batches = false;
};

struct Page {
  std::vector<MessagePtr> messages = {};  // ascending
  ReplayWindow window;
  std::optional<GapReason> gap = {};  // the cursor can't be continued: no messages
  bool more_after = false;            // newer ones exist behind the last, inside from_ms…to_ms
  bool more_before = false;  // older ones are retained before the first, inside from_ms…to_ms
};

using OnPage = std::function<void(Result<Page>)>;

// Calls back once, possibly before it returns; `table` outlives that. A channel without a record
// gives an empty page, and no record comes of asking. With both cursors: BadRequest.
void read_page(ChannelTable& table, std::string_view app, std::string_view key,
               const PageRequest& request, OnPage on_page);

}  // namespace tako::broker
