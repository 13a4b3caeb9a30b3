// The catalogue: whole, without doubles, within the protocols' ranges.
#include "common/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "common/json_text.h"

namespace tako {
namespace {

// Codes are numbered without holes; the last one ends the walk.
constexpr auto kLast = static_cast<std::uint16_t>(ErrorCode::Revoked);

template <typename Visit>
void for_each_code(Visit visit) {
  for (std::uint16_t number = 1; number <= kLast; ++number) {
    visit(static_cast<ErrorCode>(number));
  }
}

bool is_kebab_case(std::string_view name) {
  return !name.empty() && name.front() != '-' && name.back() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

TEST_CASE("every code is in the catalogue, with a name, a text and a hint of its own") {
  std::set<std::string_view> names;
  for_each_code([&names](ErrorCode code) {
    const ErrorInfo& info = error_info(code);
    REQUIRE(info.code == code);
    CHECK_MESSAGE(is_kebab_case(info.name), info.name);
    CHECK_MESSAGE(names.insert(info.name).second, info.name << " names two codes");
    CHECK_MESSAGE(!info.message.empty(), info.name);
    CHECK_MESSAGE(!info.hint.empty(), info.name);
    CHECK_MESSAGE(is_valid_utf8(info.message), info.name);
  });
}

TEST_CASE("statuses and close codes are such that a client may see them") {
  for_each_code([](ErrorCode code) {
    const ErrorInfo& info = error_info(code);
    CHECK_MESSAGE((info.http_status >= 400 && info.http_status <= 599), info.name);
    const std::uint16_t close = info.close_code;
    const bool standard =
        close >= 1000 && close <= 1014 && close != 1004 && close != 1005 && close != 1006;
    CHECK_MESSAGE((close == 0 || standard || (close >= 4400 && close <= 4599)), info.name);
    constexpr std::size_t kCloseReasonMax = 123;  // RFC 6455 5.5
    CHECK_MESSAGE(info.message.size() <= kCloseReasonMax, info.name);
    CHECK_MESSAGE(info.name.size() <= kCloseReasonMax, info.name);
  });
}

TEST_CASE("the protocol document's close codes and statuses are those of the catalogue") {
  struct Row {
    ErrorCode code;
    std::string_view name;
    int close;
  };
  const Row rows[] = {
      {ErrorCode::AuthFrameMalformed, "auth-frame-malformed", 4400},
      {ErrorCode::AuthFrameMissing, "auth-frame-missing", 4401},
      {ErrorCode::VerifyRejected, "verify-rejected", 4403},
      {ErrorCode::ChannelUnknown, "channel-unknown", 4404},
      {ErrorCode::TransportNotEnabled, "transport-not-enabled", 4406},
      {ErrorCode::TooSlow, "too-slow", 4408},
      {ErrorCode::ReplayTooOld, "replay-too-old", 4410},
      {ErrorCode::CursorMalformed, "cursor-malformed", 4411},
      {ErrorCode::MessageMalformed, "message-malformed", 4415},
      {ErrorCode::ParamsInvalid, "params-invalid", 4422},
      {ErrorCode::RateLimited, "rate-limited", 4429},
      {ErrorCode::Unavailable, "unavailable", 4503},
      {ErrorCode::Restarting, "restarting", 1012},
      {ErrorCode::ProtocolError, "protocol-error", 1002},
      {ErrorCode::UnsupportedFrame, "unsupported-frame", 1003},
      {ErrorCode::InvalidUtf8, "invalid-utf8", 1007},
      {ErrorCode::MessageTooBig, "message-too-big", 1009},
      {ErrorCode::ConnectionExpired, "connection-expired", 1000},
  };
  for (const Row& row : rows) {
    CHECK(error_info(row.code).name == row.name);
    CHECK(error_info(row.code).close_code == row.close);
  }
  CHECK(error_info(ErrorCode::ReplayTooOld).http_status == 410);
  CHECK(error_info(ErrorCode::IdempotencyKeyReused).http_status == 409);
  CHECK(error_info(ErrorCode::IdempotencyTableFull).http_status == 429);
  CHECK(error_info(ErrorCode::PayloadTooLarge).http_status == 413);
  CHECK(error_info(ErrorCode::ReplayTooOld).message ==
        "Channel cursor is outside the replay window");
  CHECK(error_info(ErrorCode::ChannelUnknown).message == "Channel not defined");
}

TEST_CASE("names and numbers lead back to their codes; those of a newer peer to internal") {
  for_each_code([](ErrorCode code) {
    CHECK(error_code_from_name(error_info(code).name) == code);
    CHECK(error_code_from_number(static_cast<std::uint32_t>(code)) == code);
  });
  CHECK(error_code_from_name("") == ErrorCode::Internal);
  CHECK(error_code_from_name("Not-Found") == ErrorCode::Internal);
  CHECK(error_code_from_number(0) == ErrorCode::Internal);
  CHECK(error_code_from_number(kLast + 1U) == ErrorCode::Internal);
  CHECK(error_code_from_number(0x10000U + 3) == ErrorCode::Internal);
  CHECK(error_info(static_cast<ErrorCode>(9999)).code == ErrorCode::Internal);
}

TEST_CASE("numbers that cross the link never change") {
  CHECK(static_cast<int>(ErrorCode::Internal) == 1);
  CHECK(static_cast<int>(ErrorCode::ReplayTooOld) == 14);
  CHECK(static_cast<int>(ErrorCode::Unavailable) == 23);
  CHECK(static_cast<int>(ErrorCode::EphemeralWithKey) == 50);
}

TEST_CASE("an error prints in the form of every HTTP answer, its detail in place of the text") {
  CHECK(error_json({ErrorCode::NotFound, ""}) ==
        R"({"error":{"code":"not-found","message":"Not found","hint":"Check the path."}})");
  const Error detailed{ErrorCode::NotFound, "no \"x\"\n\xFF"};
  CHECK(detailed.message() == "no \"x\"\n\xFF");
  CHECK(error_json(detailed) ==
        "{\"error\":{\"code\":\"not-found\",\"message\":\"no \\\"x\\\"\\n\uFFFD\",\"hint\":\"Check "
        "the path.\"}}");
  for_each_code([](ErrorCode code) { CHECK(check_json(error_json({code, ""})).has_value()); });
}

}  // namespace tako
