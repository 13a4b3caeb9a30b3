// Resolves requests in the order that the protocol document gives.
#include "edge/adapters/channel_plan.h"

#include <utility>

#include "common/ascii.h"

namespace tako::edge {
namespace {

Result<std::optional<Cursor>> cursor_from(std::string_view text, std::string_view where) {
  const std::string_view cursor = ascii::trimmed(text);
  if (cursor.empty()) return std::nullopt;
  const Result<Cursor> parsed = parse_cursor(cursor);
  if (!parsed) {
    return fail(ErrorCode::CursorMalformed, "invalid '" + std::string(where) + "' cursor");
  }
  return *parsed;
}

}  // namespace

Result<ChannelPlan> plan_channel(const EdgeServices& services, const ClientRequest& request,
                                 const std::string& name) {
  ChannelCall call{.app = request.app, .name = name, .params = request.query};
  Result<ChannelTarget> target = resolve_channel(call, services.definitions.of(request.app));
  if (!target) {
    count_limit(target.error(), services.limit_counters);
    return std::unexpected(std::move(target.error()));
  }
  Credentials credentials = credentials_of(request, *target->definition);
  return ChannelPlan{
      .call = std::move(call), .target = std::move(*target), .credentials = std::move(credentials)};
}

Result<void> check_request(const EdgeServices& services, const ClientRequest& request,
                           const ChannelPlan& plan) {
  if (plan.lacks_credential()) return fail(ErrorCode::Unauthorized);
  if (!services.origins.of(request.app).accepts(request, plan.credentials.is_by_cookie())) {
    ++services.counters.refused_by_origin;
    return fail(ErrorCode::OriginRefused);
  }
  return {};
}

Result<std::optional<Cursor>> requested_cursor(const ClientRequest& request, bool from_header) {
  const std::string* header = from_header ? request.header("last-event-id") : nullptr;
  if (header != nullptr) {
    // A list comes of clients that set the header twice; the last one is where they stand.
    const std::size_t comma = header->rfind(',');
    const std::string_view last = comma == std::string::npos
                                      ? std::string_view(*header)
                                      : std::string_view(*header).substr(comma + 1);
    if (!ascii::trimmed(last).empty()) return cursor_from(last, "Last-Event-ID");
  }
  const Result<std::vector<QueryPair>> pairs = split_query(request.query);
  if (!pairs) return std::unexpected(pairs.error());
  const std::string* query = query_value(*pairs, "last_message_id");
  return query == nullptr ? std::nullopt : cursor_from(*query, "last_message_id");
}

Result<Rewind> requested_rewind(const ClientRequest& request) {
  const Result<std::vector<QueryPair>> pairs = split_query(request.query);
  if (!pairs) return std::unexpected(pairs.error());
  const std::string* text = query_value(*pairs, "_rewind");
  return text == nullptr ? Rewind{} : parse_rewind(*text);
}

}  // namespace tako::edge
