// Reads the options and prints pages of members.
#include "broker/api/presence.h"

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/answer.h"
#include "common/json_text.h"
#include "common/limits.h"
#include "common/params.h"

namespace tako::broker {
namespace {

struct MembersQuery {
  std::string after;
  std::size_t limit = limits::kPresencePageDefault;
  bool is_for_client = false;
};

Result<std::size_t> parse_page_size(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), limit);
  const bool is_number = error == std::errc() && end == text.end();
  const bool is_too_many = is_number && limit > limits::kPresencePageMax;
  if (is_number && limit >= 1 && !is_too_many) return limit;
  return fail_at(is_too_many ? &LimitCounters::presence_page_max : nullptr, ErrorCode::BadRequest,
                 "_limit must be from 1 to " + std::to_string(limits::kPresencePageMax));
}

Result<void> read_option(const QueryPair& pair, MembersQuery& query) {
  if (pair.name == "_after") {
    query.after = pair.value;
  } else if (pair.name == "_limit") {
    const auto limit = parse_page_size(pair.value);
    if (!limit) return std::unexpected(limit.error());
    query.limit = *limit;
  } else if (pair.name == "_view" && pair.value == "client") {
    query.is_for_client = true;
  } else {
    return fail(ErrorCode::BadRequest,
                "unknown option '" + pair.name + "': known are _after, _limit");
  }
  return {};
}

Result<MembersQuery> parse_members_query(std::string_view raw_query) {
  const auto pairs = split_query(raw_query);
  if (!pairs) return std::unexpected(pairs.error());
  MembersQuery query;
  for (const QueryPair& pair : *pairs) {
    if (!pair.name.starts_with('_')) continue;
    if (auto read = read_option(pair, query); !read) return std::unexpected(read.error());
  }
  return query;
}

// `info` and `data` are JSON, which the edge has checked.
void append_member(std::string& out, const PresenceMember& member) {
  out += R"({"subject":)";
  append_json_string(out, member.subject);
  if (!member.info.empty()) out += R"(,"info":)" + member.info;
  if (!member.data.empty()) out += R"(,"data":)" + member.data;
  out += R"(,"since":)" + std::to_string(member.since_ms) + '}';
}

struct MembersPage {
  std::string members;  // joined by commas
  std::string next = "null";
};

MembersPage print_members(const PresenceChannel& channel, const MembersQuery& query,
                          LimitCounters& counters) {
  MembersPage page;
  // One more tells that there is a next page.
  const auto members = channel.page(query.after, query.limit + 1);
  std::size_t printed = 0;
  while (printed < members.size() && printed < query.limit) {
    if (page.members.size() >= limits::kPresencePageBytesMax) {
      ++counters.presence_page_bytes_max;
      break;
    }
    if (printed > 0) page.members += ',';
    append_member(page.members, *members[printed]);
    ++printed;
  }
  if (printed < members.size()) page.next = json_string(members[printed - 1]->subject);
  return page;
}

}  // namespace

ApiAnswer presence_answer(const Route& route, const ApiRequest& request, PresenceTable& presence,
                          const DefinitionsRegistry& definitions) {
  const auto identity = definitions.resolve_query(request.app, route.name, route.query);
  if (!identity) return error_answer(identity.error());
  const auto query = parse_members_query(route.query);
  if (!query) {
    count_limit(query.error(), presence.limit_counters());
    return error_answer(query.error());
  }
  const Definition* definition = definitions.find(request.app, route.name);
  if (definition == nullptr || !definition->presence) {
    return error_answer({.code = ErrorCode::PresenceOff, .detail = {}});
  }
  const bool hides_members =
      query->is_for_client && definition->presence->list == PresenceList::Counts;
  const PresenceChannel* channel = presence.find(request.app, identity->key);
  PresenceCount count;
  MembersPage page;
  PresenceVersion version;  // `0-00000000`: nobody is there, so no list is counted.
  if (channel != nullptr) {
    count = channel->count();
    version = channel->history().version();
    if (!hides_members) page = print_members(*channel, *query, presence.limit_counters());
  }
  return json_answer(200, R"({"version":")" + to_string(version) + R"(","connections":)" +
                              std::to_string(count.connections) + R"(,"subjects":)" +
                              std::to_string(count.subjects) + R"(,"members":[)" + page.members +
                              R"(],"next":)" + page.next + '}');
}

}  // namespace tako::broker
