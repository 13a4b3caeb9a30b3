// Counts and lists channels.
#include "broker/api/channels.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "broker/api/answer.h"
#include "common/config/version.h"
#include "common/json_text.h"
#include "common/limits.h"
#include "common/params.h"

namespace tako::broker {
namespace {

struct ListQuery {
  std::string after;
  std::string prefix;
  std::size_t limit = limits::kChannelsPageMax;
};

Result<ListQuery> parse_list_query(std::string_view raw_query) {
  const auto pairs = split_query(raw_query);
  if (!pairs) {
    return fail_at(pairs.error().limit, ErrorCode::BadRequest, pairs.error().detail);
  }
  ListQuery query;
  for (const QueryPair& pair : *pairs) {
    if (pair.name == "_after") {
      query.after = pair.value;
    } else if (pair.name == "_prefix") {
      query.prefix = pair.value;
    } else if (pair.name == "_limit") {
      const char* end = pair.value.data() + pair.value.size();
      const auto [stop, error] = std::from_chars(pair.value.data(), end, query.limit);
      const bool is_number = error == std::errc() && stop == end;
      const bool is_too_many = is_number && query.limit > limits::kChannelsPageMax;
      if (!is_number || query.limit < 1 || is_too_many) {
        return fail_at(is_too_many ? &LimitCounters::channels_page_max : nullptr,
                       ErrorCode::BadRequest,
                       "_limit must be from 1 to " + std::to_string(limits::kChannelsPageMax));
      }
    } else {
      return fail(ErrorCode::BadRequest,
                  "unknown option '" + pair.name + "': known are _after, _prefix, _limit");
    }
  }
  return query;
}

// The `limit` + 1 smallest keys behind `after`, in order: one more tells that there is a next page.
// A heap of that size, because an app may have 100,000 channels and asks for 1,000.
std::vector<const Channel*> select(ChannelTable& channels, const std::string& app,
                                   const ListQuery& query) {
  const auto by_key = [](const Channel* left, const Channel* right) {
    return left->key() < right->key();
  };
  std::vector<const Channel*> heap;
  channels.for_each(app, [&](const Channel& channel) {
    if (channel.key() <= query.after || !channel.name().starts_with(query.prefix)) return;
    if (heap.size() > query.limit) {
      if (!by_key(&channel, heap.front())) return;
      std::ranges::pop_heap(heap, by_key);
      heap.pop_back();
    }
    heap.push_back(&channel);
    std::ranges::push_heap(heap, by_key);
  });
  std::ranges::sort_heap(heap, by_key);
  return heap;
}

void append_channel(std::string& out, ChannelTable& channels, const Channel& channel) {
  out += R"({"channel":)";
  append_json_string(out, channel.name());
  out += R"(,"params":)" + (channel.params_json().empty() ? "{}" : channel.params_json());
  out += R"(,"subscribers":)" + std::to_string(channel.subscribers());
  out += R"(,"messages":)" + std::to_string(channels.messages(channel));
  out += R"(,"key":)";
  append_json_string(out, channel.key());
  out += '}';
}

}  // namespace

ApiAnswer channels_answer(const Route& route, const ApiRequest& request, ChannelTable& channels) {
  const auto query = parse_list_query(route.query);
  if (!query) {
    count_limit(query.error(), channels.limit_counters());
    return error_answer(query.error());
  }
  const auto selected = select(channels, request.app, *query);
  const std::size_t count = std::min(selected.size(), query->limit);
  std::string out = R"({"channels":[)";
  std::size_t printed = 0;
  while (printed < count && out.size() < limits::kChannelsPageBytesMax) {
    if (printed > 0) out += ',';
    append_channel(out, channels, *selected[printed]);
    ++printed;
  }
  if (printed < count) ++channels.limit_counters().channels_page_bytes_max;
  const bool has_next = selected.size() > printed;
  out += R"(],"next":)" + (has_next ? json_string(selected[printed - 1]->key()) : "null");
  return json_answer(200, out + '}');
}

ApiAnswer stats_answer(const ApiRequest& request, const StatsInput& input) {
  std::size_t channels = 0;
  std::size_t subscribers = 0;
  std::size_t messages = 0;
  input.channels.for_each(request.app, [&](const Channel& channel) {
    ++channels;
    subscribers += channel.subscribers();
    messages += input.channels.messages(channel);
  });
  const LogStats log = input.channels.log().stats();
  std::string out = R"({"version":)" + json_string(config::version());
  const auto add = [&out](std::string_view name, std::uint64_t value) {
    out += ",\"" + std::string(name) + "\":" + std::to_string(value);
  };
  add("uptimeMs", static_cast<std::uint64_t>(input.uptime_ms));
  out += R"(,"app":)" + json_string(request.app);
  out += R"(,"ack":)" + json_string(to_string(input.publisher.ack(request.app, std::nullopt)));
  add("definitionsVersion", input.definitions.version(request.app));
  add("channels", channels);
  add("subscribers", subscribers);
  add("messages", messages);
  out += R"(,"log":{"bytes":)" + std::to_string(log.bytes) + R"(,"bytesMax":)" +
         std::to_string(input.channels.limits().log_bytes_max) + "}";
  return json_answer(200, out + '}');
}

}  // namespace tako::broker
