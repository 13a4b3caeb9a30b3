// The one catalogue of errors: code, HTTP status, WebSocket close code, text, hint, may a retry
// help.
//
// HTTP answers, close reasons, `tako.error` frames, logs, metrics and docs all use these codes.
// Numbers are stable: they cross the link between processes of different versions. Add at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/limit_counters.h"

namespace tako {

enum class ErrorCode : std::uint16_t {
  Internal = 1,
  BadRequest = 2,
  NotFound = 3,
  MethodNotAllowed = 4,
  PayloadTooLarge = 5,
  HeadTooLarge = 6,
  UrlTooLong = 7,
  Unauthorized = 8,
  Forbidden = 9,
  OriginRefused = 10,
  ChannelUnknown = 11,
  ParamsInvalid = 12,
  CursorMalformed = 13,
  ReplayTooOld = 14,
  TransportNotEnabled = 15,
  AuthFrameMalformed = 16,
  AuthFrameMissing = 17,
  VerifyRejected = 18,
  MessageMalformed = 19,
  TypeNotAllowed = 20,
  TooSlow = 21,
  RateLimited = 22,
  Unavailable = 23,
  Restarting = 24,
  ConnectionExpired = 25,
  UnsupportedFrame = 26,
  MessageTooBig = 27,
  InvalidUtf8 = 28,
  ProtocolError = 29,
  HandshakeInvalid = 30,
  VersionUnsupported = 31,
  IdempotencyKeyReused = 32,
  IdempotencyTableFull = 33,
  DefinitionInvalid = 34,
  AppUnknown = 35,
  KeyInvalid = 36,
  BatchInvalid = 37,
  LimitReached = 38,
  UpstreamUnavailable = 39,
  UpstreamTimeout = 40,
  NoUpstream = 41,
  ConfigInvalid = 42,
  AddressInUse = 43,
  NotImplemented = 44,
  SubscriptionUnknown = 45,
  SubscriptionExists = 46,
  DefinitionsChanged = 47,
  LogFull = 48,
  RequestTimeout = 49,
  EphemeralWithKey = 50,
  LogUnusable = 51,
  PresenceOff = 52,
  PresenceFull = 53,
  MessageRejected = 54,
  Revoked = 55,
};

// What the catalogue knows of a code. Texts are for people; `name` is the code on every wire.
struct ErrorInfo {
  ErrorCode code;
  std::string_view name;      // kebab-case, stable
  std::uint16_t http_status;  // 400…599
  std::uint16_t close_code;   // RFC 6455 7.4 or 44xx; 0: never closes a WebSocket
  bool retryable;             // the same request may succeed later
  std::string_view message;   // default text
  std::string_view hint;      // what to do about it
};

[[nodiscard]] const ErrorInfo& error_info(ErrorCode code);

// Finds a code by its kebab-case name or its number; ErrorCode::Internal when unknown (a newer
// peer).
[[nodiscard]] ErrorCode error_code_from_name(std::string_view name);
[[nodiscard]] ErrorCode error_code_from_number(std::uint32_t number);

// A peer's or the environment's fault. Our own faults are TAKO_CHECK (check.h).
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string detail = {};          // replaces the catalogue's message when not empty
  std::int64_t retry_after_ms = 0;  // when to come back; 0: not said
  LimitCounter limit = nullptr;     // the bound that refused, if one did: see count_limit

  [[nodiscard]] const ErrorInfo& info() const { return error_info(code); }
  [[nodiscard]] std::string_view message() const {
    return detail.empty() ? info().message : std::string_view(detail);
  }
};

// Counts the bound that refused, if one did. Parsers know no counters: the first caller that has
// them counts, and nobody after it.
inline void count_limit(const Error& error, LimitCounters& counters) {
  if (error.limit != nullptr) ++(counters.*error.limit);
}

// {"error":{"code","message","hint"}} (protocol document, HTTP errors).
[[nodiscard]] std::string error_json(const Error& error);

}  // namespace tako
