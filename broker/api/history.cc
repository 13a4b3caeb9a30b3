// Reads the paging options and prints pages.
#include "broker/api/history.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "broker/api/answer.h"
#include "common/limits.h"
#include "common/params.h"

namespace tako::broker {
namespace {

std::unexpected<Error> bad(std::string why) { return fail(ErrorCode::BadRequest, std::move(why)); }

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end != text.end() || value < 0) return std::nullopt;
  return value;
}

Result<std::size_t> parse_limit(std::string_view text, const RuntimeLimits& limits,
                                LimitCounters& counters) {
  const auto number = parse_number(text);
  const std::string range = "_limit must be from 1 to " + std::to_string(limits.history_page_max);
  if (!number || *number < 1) return bad(range);
  if (static_cast<std::uint64_t>(*number) > limits.history_page_max) {
    ++counters.history_page_max;
    return bad(range);
  }
  return static_cast<std::size_t>(*number);
}

Result<void> read_option(const QueryPair& pair, const RuntimeLimits& limits,
                         LimitCounters& counters, PageRequest& page) {
  if (pair.name == "_after" || pair.name == "_before" || pair.name == "_until") {
    const auto cursor = parse_cursor(pair.value);
    if (!cursor) return std::unexpected(cursor.error());
    if (pair.name != "_after" && page.before) return bad("give _before or _until, once");
    (pair.name == "_after" ? page.after : page.before) = *cursor;
    page.with_before = page.with_before || pair.name == "_until";
    return {};
  }
  if (pair.name == "_limit") {
    const auto limit = parse_limit(pair.value, limits, counters);
    if (!limit) return std::unexpected(limit.error());
    page.limit = *limit;
    return {};
  }
  if (pair.name == "_from" || pair.name == "_to") {
    const auto time = parse_number(pair.value);
    if (!time) return bad(pair.name + " must be milliseconds since 1970");
    (pair.name == "_from" ? page.from_ms : page.to_ms) = *time;
    return {};
  }
  return bad("unknown option '" + pair.name +
             "': known are _after, _before, _until, _limit, _from, _to");
}

// A JSON string, or null.
std::string cursor_json(const std::optional<Position>& position) {
  return position ? '"' + to_string(*position) + '"' : "null";
}

// The page behind this one. An empty page that has one (before the oldest) stands in front of it.
std::optional<Position> next_of(const Page& page) {
  if (!page.more_after) return std::nullopt;
  if (!page.messages.empty()) return page.messages.back()->position();
  return Position{page.window.oldest - 1, page.window.epoch};
}

std::optional<Position> prev_of(const Page& page) {
  if (!page.more_before || page.messages.empty()) return std::nullopt;
  return page.messages.front()->position();
}

}  // namespace

Result<PageRequest> parse_page_query(std::string_view raw_query, const RuntimeLimits& limits,
                                     LimitCounters& counters) {
  const auto pairs = split_query(raw_query);
  if (!pairs) return std::unexpected(pairs.error());
  PageRequest page;
  page.limit = std::min(limits::kHistoryPageDefault, limits.history_page_max);
  page.bytes_max = limits.history_page_bytes_max;
  for (const QueryPair& pair : *pairs) {
    if (!pair.name.starts_with('_')) continue;
    if (auto read = read_option(pair, limits, counters, page); !read) {
      return std::unexpected(read.error());
    }
  }
  return page;
}

std::string print_page(const Page& page, std::string_view channel_name) {
  std::string out = R"({"messages":[)";
  for (std::size_t index = 0; index < page.messages.size(); ++index) {
    if (index > 0) out += ',';
    append_stored(out, *page.messages[index], channel_name);
  }
  out += R"(],"next":)" + cursor_json(next_of(page));
  out += R"(,"prev":)" + cursor_json(prev_of(page));
  return out + '}';
}

void history_answer(const Route& route, const ApiRequest& request, ChannelTable& channels,
                    const DefinitionsRegistry& definitions, const RuntimeLimits& limits,
                    OnApiAnswer on_answer) {
  const auto channel = definitions.resolve_query(request.app, route.name, route.query);
  if (!channel) {
    on_answer(error_answer(channel.error()));
    return;
  }
  const auto asked = parse_page_query(route.query, limits, channels.limit_counters());
  if (!asked) {
    on_answer(error_answer(asked.error()));
    return;
  }
  read_page(channels, request.app, channel->key, *asked,
            [name = route.name, on_answer = std::move(on_answer)](const Result<Page>& page) {
              if (!page) {
                on_answer(error_answer(page.error()));
              } else if (page->gap) {
                on_answer(error_answer({.code = ErrorCode::ReplayTooOld, .detail = {}}));
              } else {
                on_answer(json_answer(200, print_page(*page, name)));
              }
            });
}

}  // namespace tako::broker
