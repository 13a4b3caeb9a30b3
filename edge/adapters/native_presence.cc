// Passes the question on to the broker, for a client that the app has let in.
#include "edge/adapters/native_presence.h"

#include "common/channel_name.h"
#include "common/params.h"

namespace tako::edge {

Result<void> PresencePageRequest::check(const Definition& definition) {
  if (!definition.presence) return fail(ErrorCode::PresenceOff);
  return {};
}

void PresencePageRequest::on_admitted(const ChannelTarget& target, const Grant& /*grant*/) {
  ++services().counters.presence_reads;
  NativeRequests& requests = owner();
  services().broker.api_call({.app = target.channel.app,
                              .method = "GET",
                              .target = presence_target(target.channel, request().query)},
                             [&requests, number = number()](const Result<ApiAnswer>& answer) {
                               if (auto* self = requests.find(number)) {
                                 static_cast<PresencePageRequest*>(self)->on_answer(answer);
                               }
                             });
}

// A refusal of the broker's is in the catalogue's form already.
void PresencePageRequest::on_answer(const Result<ApiAnswer>& answer) {
  if (!answer) return refuse(answer.error());
  HttpExchange::Headers headers = {{"Content-Type", "application/json"},
                                   {"Cache-Control", "no-store"}};
  if (answer->retry_after_ms > 0) {
    headers.emplace_back("Retry-After", std::to_string((answer->retry_after_ms + 999) / 1'000));
  }
  respond(static_cast<int>(answer->status), std::move(headers), answer->body);
}

// The key has the params as a query already (common/channel_name.h).
std::string presence_target(const ChannelIdentity& channel, std::string_view raw_query) {
  std::string target = "/v1/channels/" + percent_encode(channel.name) + "/presence";
  // Members are not for clients where the definition lists counts only.
  target += channel.key.size() > channel.name.size() ? channel.key.substr(channel.name.size()) + "&"
                                                     : "?";
  target += "_view=client";
  const Result<std::vector<QueryPair>> pairs = split_query(raw_query);
  if (!pairs) return target;  // Then the channel's params could not be read, either.
  for (const std::string_view name : {"_after", "_limit"}) {
    const std::string* value = query_value(*pairs, name);
    if (value == nullptr) continue;
    target.append("&").append(name).append("=").append(percent_encode(*value));
  }
  return target;
}

}  // namespace tako::edge
