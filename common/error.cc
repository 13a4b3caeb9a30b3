// The catalogue's texts, and the JSON form of an error.
#include "common/error.h"

#include <algorithm>
#include <array>

#include "common/json_text.h"

namespace tako {
namespace {

using enum ErrorCode;

constexpr std::array kCatalogue = {
    ErrorInfo{Internal, "internal", 500, 1011, true, "Internal Server Error",
              "This is a fault of the server; its log has the cause."},
    ErrorInfo{BadRequest, "bad-request", 400, 0, false, "Bad request",
              "Check the request against the protocol documentation."},
    ErrorInfo{NotFound, "not-found", 404, 0, false, "Not found", "Check the path."},
    ErrorInfo{MethodNotAllowed, "method-not-allowed", 405, 0, false, "Method not allowed",
              "The Allow header names the methods of this route."},
    ErrorInfo{PayloadTooLarge, "payload-too-large", 413, 1009, false, "Payload Too Large",
              "Send less data, or raise the limit in the configuration."},
    ErrorInfo{HeadTooLarge, "head-too-large", 431, 0, false, "Request header fields too large",
              "Send fewer or shorter headers (cookies are the usual cause)."},
    ErrorInfo{UrlTooLong, "url-too-long", 414, 0, false, "URI too long", "Shorten the URL."},
    ErrorInfo{Unauthorized, "unauthorized", 401, 4401, false, "Unauthorized",
              "Send the credential that the channel's definition names."},
    ErrorInfo{Forbidden, "forbidden", 403, 4403, false, "Forbidden",
              "The app's authorize callback refused this subject."},
    ErrorInfo{OriginRefused, "origin-refused", 403, 0, false, "Origin not allowed",
              "Add the page's origin to allowed_origins of this app."},
    ErrorInfo{ChannelUnknown, "channel-unknown", 404, 4404, false, "Channel not defined",
              "PUT a definition of this name, or check the spelling."},
    ErrorInfo{ParamsInvalid, "params-invalid", 400, 4422, false, "invalid channel params",
              "Check the query against the definition's paramsSchema."},
    ErrorInfo{CursorMalformed, "cursor-malformed", 400, 4411, false, "invalid cursor",
              "Send back an id exactly as received, or 0 for everything retained."},
    ErrorInfo{ReplayTooOld, "replay-too-old", 410, 4410, false,
              "Channel cursor is outside the replay window",
              "Reload the state from the app, then subscribe without a cursor."},
    ErrorInfo{TransportNotEnabled, "transport-not-enabled", 400, 4406, false,
              "Channel transport is not enabled", "Use SSE, or set transport to ws."},
    ErrorInfo{AuthFrameMalformed, "auth-frame-malformed", 400, 4400, false, "auth-frame-malformed",
              "The first frame must be {\"type\":\"tako.auth\",\"token\":…}."},
    ErrorInfo{AuthFrameMissing, "auth-frame-missing", 401, 4401, false, "auth-frame-missing",
              "Send a tako.auth frame right after the connection opens."},
    ErrorInfo{VerifyRejected, "verify-rejected", 403, 4403, false, "verify-rejected",
              "The app's authorize callback refused this subject."},
    ErrorInfo{MessageMalformed, "message-malformed", 400, 4415, false, "message-malformed",
              "Send JSON with a string type and a data member."},
    ErrorInfo{TypeNotAllowed, "type-not-allowed", 403, 4415, false, "message type not allowed",
              "Name the type in the definition's handlers to let clients send it."},
    ErrorInfo{TooSlow, "too-slow", 429, 4408, true, "too-slow",
              "Read faster; reconnect with the last id to go on where it stopped."},
    ErrorInfo{RateLimited, "rate-limited", 429, 4429, true, "Too Many Requests",
              "Wait as long as Retry-After says."},
    ErrorInfo{Unavailable, "unavailable", 503, 4503, true, "Service Unavailable",
              "The app's callback or the broker does not answer; retry."},
    ErrorInfo{Restarting, "restarting", 503, 1012, true, "restarting",
              "Reconnect with the last id."},
    ErrorInfo{ConnectionExpired, "connection-expired", 503, 1000, true, "connection expired",
              "Reconnect with the last id."},
    ErrorInfo{UnsupportedFrame, "unsupported-frame", 400, 1003, false, "unsupported frame",
              "Send text frames."},
    ErrorInfo{MessageTooBig, "message-too-big", 413, 1009, false, "message too big",
              "Send less data, or raise the limit in the configuration."},
    ErrorInfo{InvalidUtf8, "invalid-utf8", 400, 1007, false, "invalid UTF-8",
              "Text must be UTF-8; send binary data as base64."},
    ErrorInfo{ProtocolError, "protocol-error", 400, 1002, false, "protocol error",
              "The client breaks RFC 6455 or RFC 9112."},
    ErrorInfo{HandshakeInvalid, "handshake-invalid", 400, 0, false, "invalid WebSocket handshake",
              "Check the request against RFC 6455 section 4.1."},
    ErrorInfo{VersionUnsupported, "version-unsupported", 426, 0, false,
              "unsupported Sec-WebSocket-Version", "Use version 13."},
    ErrorInfo{IdempotencyKeyReused, "idempotency-key-reused", 409, 0, false,
              "idempotency key was used with another body", "Make a fresh key for each message."},
    ErrorInfo{IdempotencyTableFull, "idempotency-table-full", 429, 0, true,
              "too many idempotency keys inside the window",
              "Retry later, or publish without a key."},
    ErrorInfo{DefinitionInvalid, "definition-invalid", 400, 0, false, "invalid definition",
              "The message names the definition and the member."},
    ErrorInfo{AppUnknown, "app-unknown", 404, 0, false, "unknown app",
              "Name a configured app in the Tako-App header."},
    ErrorInfo{KeyInvalid, "key-invalid", 401, 0, false, "invalid app key",
              "Send Authorization: Bearer <key>:<secret> of a configured pair."},
    ErrorInfo{BatchInvalid, "batch-invalid", 400, 0, false, "invalid batch",
              "The message names the entry and the member."},
    ErrorInfo{LimitReached, "limit-reached", 503, 4503, true, "a limit is reached",
              "Retry later; the metrics name the limit."},
    ErrorInfo{UpstreamUnavailable, "upstream-unavailable", 502, 0, true, "the app does not answer",
              "Start the app, or check --upstream."},
    ErrorInfo{UpstreamTimeout, "upstream-timeout", 504, 0, true, "the app took too long",
              "Look at the app; the limit is in the configuration."},
    ErrorInfo{NoUpstream, "no-upstream", 404, 0, false, "no app is configured behind this edge",
              "Start tako-edge with --upstream to proxy other paths to your app."},
    ErrorInfo{ConfigInvalid, "config-invalid", 400, 0, false, "invalid configuration",
              "tako-broker and tako-edge --check-config name the key."},
    ErrorInfo{AddressInUse, "address-in-use", 500, 0, false, "the address is in use",
              "Stop the other process, or choose another address."},
    ErrorInfo{NotImplemented, "not-implemented", 501, 0, false, "not implemented",
              "The documentation says what this version supports."},
    ErrorInfo{SubscriptionUnknown, "subscription-unknown", 404, 0, false,
              "no such subscription on this connection", "Use the key that tako.ready gave."},
    ErrorInfo{SubscriptionExists, "subscription-exists", 409, 0, false,
              "this connection has that subscription already",
              "Unsubscribe first to start at another cursor."},
    ErrorInfo{DefinitionsChanged, "definitions-changed", 503, 1012, true, "restarting",
              "The channel's definition changed; reconnect."},
    ErrorInfo{LogFull, "log-full", 507, 0, true, "the log is full",
              "Free disk space or raise the cap of the log."},
    ErrorInfo{RequestTimeout, "request-timeout", 408, 0, true, "the request took too long",
              "Send the whole head and body without pauses."},
    ErrorInfo{EphemeralWithKey, "ephemeral-with-key", 400, 0, false,
              "an ephemeral message can't have an idempotency key",
              "Leave out the key: ephemeral messages are not stored."},
    ErrorInfo{LogUnusable, "log-unusable", 503, 0, true, "the log on disk can't be used",
              "The broker's log says why; takoctl log check looks at the files."},
    ErrorInfo{PresenceOff, "presence-off", 400, 0, false, "this channel has no presence",
              "Set presence: true in the channel's definition."},
    ErrorInfo{PresenceFull, "presence-full", 503, 0, true,
              "as many members are present as the channel may have",
              "Raise presence.membersMax, or choose presence.list: counts."},
    ErrorInfo{MessageRejected, "message-rejected", 403, 4415, false, "the app rejected the message",
              "The message says why."},
    ErrorInfo{Revoked, "revoked", 403, 4403, false, "the app took the permission back",
              "Ask the app for a new permission."},
};

}  // namespace

const ErrorInfo& error_info(ErrorCode code) {
  const auto found = std::ranges::find(kCatalogue, code, &ErrorInfo::code);
  return found == kCatalogue.end() ? kCatalogue.front() : *found;
}

ErrorCode error_code_from_name(std::string_view name) {
  const auto found = std::ranges::find(kCatalogue, name, &ErrorInfo::name);
  return found == kCatalogue.end() ? Internal : found->code;
}

ErrorCode error_code_from_number(std::uint32_t number) {
  const auto found = std::ranges::find_if(
      kCatalogue, [number](const ErrorInfo& info) { return std::uint32_t(info.code) == number; });
  return found == kCatalogue.end() ? Internal : found->code;
}

std::string error_json(const Error& error) {
  std::string out = R"({"error":{"code":)";
  append_json_string(out, error.info().name);
  out += R"(,"message":)";
  append_json_string(out, error.message());
  out += R"(,"hint":)";
  append_json_string(out, error.info().hint);
  out += "}}";
  return out;
}

}  // namespace tako
