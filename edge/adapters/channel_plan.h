// ChannelPlan: what a request asks of a channel, resolved and with its credentials, before anyone
// is asked: the checks that HTTP and WebSocket share, in their order.
#pragma once

#include <optional>
#include <string>

#include "edge/session/channel_access.h"
#include "edge/session/services.h"

namespace tako::edge {

struct ChannelPlan {
  ChannelCall call;
  ChannelTarget target;
  Credentials credentials;

  // The definition wants a credential and there is none.
  [[nodiscard]] bool lacks_credential() const {
    return !target.is_public() && credentials.is_none();
  }
};

// Name, definition, params, and the credentials that came with the request.
// Errors: ChannelUnknown, ParamsInvalid.
[[nodiscard]] Result<ChannelPlan> plan_channel(const EdgeServices& services,
                                               const ClientRequest& request,
                                               const std::string& name);

// For requests that cannot bring a credential later, and after plan_channel: is there one, and may
// the page that sent the request use it? Errors: Unauthorized, OriginRefused.
[[nodiscard]] Result<void> check_request(const EdgeServices& services, const ClientRequest& request,
                                         const ChannelPlan& plan);

// The cursor of an event stream (`Last-Event-ID`, last element of a list, else the query) or of a
// WebSocket (the query alone). Empty is absent. Errors: CursorMalformed, naming where it stood.
[[nodiscard]] Result<std::optional<Cursor>> requested_cursor(const ClientRequest& request,
                                                             bool from_header);

// `_rewind` of the query: where it starts without a cursor. Errors: MessageMalformed.
[[nodiscard]] Result<Rewind> requested_rewind(const ClientRequest& request);

}  // namespace tako::edge
