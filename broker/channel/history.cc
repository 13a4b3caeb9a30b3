// Turns cursors and times into a range of offsets, and reads it.
#include "broker/channel/history.h"

#include <algorithm>

namespace tako::broker {
namespace {

// What the request's times leave of the window: offsets first…last, none when last < first.
struct Range {
  std::uint64_t first = 1;
  std::uint64_t last = 0;
};

Range range_of(LogEngine& log, StreamId stream, const ReplayWindow& window,
               const PageRequest& request) {
  Range range{window.oldest, window.head};
  if (request.from_ms > 0)
    range.first = std::max(range.first, log.first_at(stream, request.from_ms));
  if (request.to_ms > 0) range.last = log.first_at(stream, request.to_ms + 1) - 1;
  return range;
}

ReadLimits limits_of(const RuntimeLimits& limits, const PageRequest& request) {
  const std::size_t bytes_max = limits.history_page_bytes_max;
  return {.messages_max = std::clamp<std::size_t>(request.limit, 1, limits.history_page_max),
          .bytes_max = request.bytes_max == 0 ? bytes_max : std::min(request.bytes_max, bytes_max),
          .whole_batches = request.whole_batches};
}

// `stands_after`: the offset behind which the page stands when it is empty.
void fill_page(Page& page, std::vector<MessagePtr> messages, const Range& range,
               std::uint64_t stands_after) {
  page.messages = std::move(messages);
  const bool is_empty = page.messages.empty();
  const std::uint64_t first = is_empty ? stands_after + 1 : page.messages.front()->offset();
  const std::uint64_t last = is_empty ? stands_after : page.messages.back()->offset();
  page.more_before = range.first < first && range.first <= range.last;
  page.more_after = last < range.last;
}

Page read_forward(ChannelTable& table, const Channel& channel, const PageRequest& request) {
  const Range range = range_of(table.log(), channel.stream(), table.window(channel), request);
  const std::uint64_t after = resume_at(*request.after, table.window(channel)).after;
  const std::uint64_t start = std::max(after, range.first - 1);
  auto messages = table.log().read_after(channel.stream(), start, range.last,
                                         limits_of(table.limits(), request));
  // Judged behind the read: time may have taken away what the cursor would go on with.
  Page page{.window = table.window(channel)};
  const Resume resume = resume_at(*request.after, page.window);
  if (resume.gap) {
    page.gap = resume.reason;
  } else {
    fill_page(page, std::move(messages), range, start);
  }
  return page;
}

Page read_backward(ChannelTable& table, const Channel& channel, const PageRequest& request) {
  Page page{.window = table.window(channel)};
  const Range range = range_of(table.log(), channel.stream(), page.window, request);
  std::uint64_t before = range.last + 1;
  if (request.before) {
    const Resume resume = resume_at(*request.before, page.window);
    // Nothing is retained before a cursor that the window has passed: an end, and no loss.
    if (resume.gap && resume.reason != GapReason::WindowPassed) {
      page.gap = resume.reason;
      return page;
    }
    const bool is_oldest = request.before->from_oldest;
    before = std::min(before, is_oldest ? range.first : request.before->position.offset);
  }
  auto messages = table.log().read_before(channel.stream(), before, range.first,
                                          limits_of(table.limits(), request));
  fill_page(page, std::move(messages), range, before - std::min<std::uint64_t>(before, 1));
  return page;
}

// A page that ends before it was asked to.
void count_early_end(ChannelTable& table, const PageRequest& request, const Page& page) {
  const bool has_more = request.after ? page.more_after : page.more_before;
  if (!has_more || page.messages.size() >= request.limit) return;
  const bool is_by_count = page.messages.size() >= table.limits().history_page_max;
  ++(is_by_count ? table.limit_counters().history_page_max
                 : table.limit_counters().history_page_bytes_max);
}

}  // namespace

Result<Page> read_page(ChannelTable& table, std::string_view app, std::string_view key,
                       const PageRequest& request) {
  if (request.after && request.before) {
    return fail(ErrorCode::BadRequest, "give _after or _before, not both");
  }
  const Channel* channel = table.find(app, key);
  if (channel == nullptr) {
    Page page{.window = table.window(app, key)};
    const std::optional<Cursor>& cursor = request.after ? request.after : request.before;
    const Resume resume = cursor ? resume_at(*cursor, page.window) : Resume{};
    if (resume.gap && (request.after || resume.reason != GapReason::WindowPassed)) {
      page.gap = resume.reason;
    }
    return page;
  }
  Page page = request.after ? read_forward(table, *channel, request)
                            : read_backward(table, *channel, request);
  count_early_end(table, request, page);
  return page;
}

}  // namespace tako::broker
