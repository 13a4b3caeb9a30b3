// Turns cursors and times into a range of offsets, and reads it.
#include "broker/channel/history.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

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

// A page that ends before it was asked to.
void count_early_end(ChannelTable& table, const PageRequest& request, const Page& page) {
  const bool has_more = request.after ? page.more_after : page.more_before;
  if (!has_more || page.messages.size() >= request.limit) return;
  const bool is_by_count = page.messages.size() >= table.limits().history_page_max;
  ++(is_by_count ? table.limit_counters().history_page_max
                 : table.limit_counters().history_page_bytes_max);
}

// Which channel, and where the answer goes: a read from disk takes a while, and then the channel is
// looked at anew.
struct PageCall {
  ChannelTable& table;
  std::string app;
  std::string key;
  PageRequest request;
  OnPage on_page;
};

void read_forward(const std::shared_ptr<PageCall>& call, StreamId stream) {
  ChannelTable& table = call->table;
  const ReplayWindow window = table.log().window(stream);
  const Range range = range_of(table.log(), stream, window, call->request);
  const std::uint64_t after = resume_at(*call->request.after, window).after;
  const std::uint64_t start = std::max(after, range.first - 1);
  table.log().load_after(stream, start, range.last, limits_of(table.limits(), call->request),
                         [call, range, start](std::vector<MessagePtr> messages) {
                           // Judged behind the read: time may have taken away what the cursor would
                           // go on with.
                           Page page{.window = call->table.window(call->app, call->key)};
                           const Resume resume = resume_at(*call->request.after, page.window);
                           if (resume.gap) {
                             page.gap = resume.reason;
                           } else {
                             fill_page(page, std::move(messages), range, start);
                           }
                           count_early_end(call->table, call->request, page);
                           call->on_page(std::move(page));
                         });
}

void read_backward(const std::shared_ptr<PageCall>& call, StreamId stream) {
  ChannelTable& table = call->table;
  Page page{.window = table.log().window(stream)};
  const Range range = range_of(table.log(), stream, page.window, call->request);
  std::uint64_t before = range.last + 1;
  if (call->request.before) {
    const Cursor& cursor = *call->request.before;
    const Resume resume = resume_at(cursor, page.window);
    // Nothing is retained before a cursor that the window has passed: an end, and no loss.
    if (resume.gap && resume.reason != GapReason::WindowPassed) {
      page.gap = resume.reason;
      call->on_page(std::move(page));
      return;
    }
    const std::uint64_t end = cursor.position.offset + (call->request.with_before ? 1 : 0);
    before = std::min(before, cursor.from_oldest ? range.first : end);
  }
  table.log().load_before(stream, before, range.first, limits_of(table.limits(), call->request),
                          [call, range, before](std::vector<MessagePtr> messages) {
                            Page read{.window = call->table.window(call->app, call->key)};
                            fill_page(read, std::move(messages), range,
                                      before - std::min<std::uint64_t>(before, 1));
                            count_early_end(call->table, call->request, read);
                            call->on_page(std::move(read));
                          });
}

}  // namespace

void read_page(ChannelTable& table, std::string_view app, std::string_view key,
               const PageRequest& request, OnPage on_page) {
  if (request.after && request.before) {
    on_page(fail(ErrorCode::BadRequest, "_after excludes _before and _until"));
    return;
  }
  const Channel* channel = table.find(app, key);
  if (channel == nullptr) {
    Page page{.window = table.window(app, key)};
    const std::optional<Cursor>& cursor = request.after ? request.after : request.before;
    const Resume resume = cursor ? resume_at(*cursor, page.window) : Resume{};
    if (resume.gap && (request.after || resume.reason != GapReason::WindowPassed)) {
      page.gap = resume.reason;
    }
    on_page(std::move(page));
    return;
  }
  const auto call = std::make_shared<PageCall>(
      PageCall{table, std::string(app), std::string(key), request, std::move(on_page)});
  if (request.after) {
    read_forward(call, channel->stream());
  } else {
    read_backward(call, channel->stream());
  }
}

}  // namespace tako::broker
