// From what a client asks for to what it may have: name -> definition -> params -> channel, and the
// credentials that the definition names.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/definition.h"
#include "edge/fanout/hub.h"
#include "edge/fanout/message.h"
#include "edge/session/authorizer.h"
#include "edge/session/client.h"

namespace tako::proto {
class CallRecord;
}

namespace tako::edge {

// As the client said it; kept, because new definitions are applied to it again.
struct ChannelCall {
  std::string app;
  std::string name;    // decoded
  std::string params;  // raw query, or a JSON object
  bool params_are_json = false;
};

void save_call(const ChannelCall& call, proto::CallRecord& record);
[[nodiscard]] ChannelCall restored_call(const proto::CallRecord& record);

// The channel meant by a call under one set of definitions.
struct ChannelTarget {
  std::shared_ptr<const DefinitionSet> definitions;  // keeps `definition` alive
  const Definition* definition = nullptr;
  Params params;  // all that passed the schema
  ChannelIdentity channel;

  [[nodiscard]] bool is_public() const { return !definition->auth.has_value(); }
  [[nodiscard]] FeedRules feed_rules() const {
    return {definition->replay_window_ms, definition->messages_max};
  }
};

// Errors: ChannelUnknown, ParamsInvalid.
[[nodiscard]] Result<ChannelTarget> resolve_channel(
    const ChannelCall& call, const std::shared_ptr<const DefinitionSet>& definitions);

// What the app is shown of a client. In memory only, for as long as the connection lives.
struct Credentials {
  std::optional<HeaderCredential> header;
  std::optional<std::string> cookie;
  std::string ip;

  [[nodiscard]] bool is_none() const { return !header && !cookie; }
  // The browser added it by itself, so the page's origin matters.
  [[nodiscard]] bool is_by_cookie() const { return cookie && !header; }
};

// Only those that the definition names; the ip alone for a public channel.
[[nodiscard]] Credentials credentials_of(const ClientRequest& request,
                                         const Definition& definition);

[[nodiscard]] AuthorizeCall make_authorize_call(const ChannelTarget& target, Operation operation,
                                                const Credentials& credentials);

// Does the app's answer allow this operation on what was granted? `subscribe` lets connect, too.
[[nodiscard]] bool has_right(const Grant& grant, Operation operation);

}  // namespace tako::edge
