// What a client sends: messages to a channel, and frames that speak to the edge (`tako.…`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_text.h"
#include "common/position.h"
#include "common/result.h"
#include "edge/session/authorizer.h"

namespace tako::edge {

// {"type","data","ref"?,"echo"?:false,"idempotencyKey"?,"key"?}; other members are ignored.
struct ClientMessage {
  std::string type;
  std::string data;             // minified JSON
  std::string ref;              // a JSON string or number, as sent; empty: none
  bool echo = true;             // rich dialect
  std::string idempotency_key;  // empty: none
  std::string key;              // rich dialect: which subscription; empty: not said
};

// A frame's type and its members; the members are slices of the frame.
struct ClientFrame {
  std::string type;
  std::vector<JsonMember> members;
};

// The member `data` as it stands; empty: there is none.
[[nodiscard]] std::string_view data_of(const ClientFrame& frame);
// A member that is a string; nullopt: it is absent, or another thing.
[[nodiscard]] std::optional<std::string> text_member(const std::vector<JsonMember>& members,
                                                     std::string_view name);

// Errors: MessageMalformed.
[[nodiscard]] Result<ClientFrame> parse_client_frame(std::string_view text);
[[nodiscard]] Result<ClientMessage> parse_client_message(const ClientFrame& frame);
// The member `ref` as it stands, if it is a short string or a number; else empty.
[[nodiscard]] std::string ref_of(const ClientFrame& frame);

// {"type":"tako.auth","token"?,"lastMessageId"?}.
struct AuthEnvelope {
  std::optional<HeaderCredential> credential;
  std::optional<Cursor> cursor;
};
// Errors: AuthFrameMalformed, CursorMalformed.
[[nodiscard]] Result<AuthEnvelope> parse_auth_envelope(std::string_view text);
[[nodiscard]] bool is_auth_frame(const ClientFrame& frame);

// A cursor in JSON: a string, or a number as its digits; null and "" are absent.
[[nodiscard]] Result<std::optional<Cursor>> cursor_member(const std::vector<JsonMember>& members);

}  // namespace tako::edge
