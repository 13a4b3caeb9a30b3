// Builds request targets and bodies.
#include "broker/takoctl/request.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "common/channel_name.h"
#include "common/json_text.h"

namespace tako::takoctl {
namespace {

// "90s", "5m", "2h", "1d", or milliseconds.
std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || number < 0) return std::nullopt;
  if (unit.empty()) return number;
  if (number > kMost || unit.size() != 1) return std::nullopt;
  switch (unit.front()) {
    case 's':
      return number * 1'000;
    case 'm':
      return number * 60'000;
    case 'h':
      return number * 3'600'000;
    case 'd':
      return number * 86'400'000;
    default:
      return std::nullopt;
  }
}

// k=v&…, percent-encoded. Errors: a param without `=`.
std::expected<std::string, std::string> query_of(const std::vector<std::string>& params) {
  std::string query;
  for (const std::string& param : params) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return std::unexpected("--param " + param + ": expected NAME=VALUE");
    }
    if (!query.empty()) query += '&';
    query +=
        percent_encode(param.substr(0, equals)) + '=' + percent_encode(param.substr(equals + 1));
  }
  return query;
}

}  // namespace

std::expected<std::string, std::string> channel_target(const ChannelRef& channel,
                                                       std::string_view suffix) {
  std::string target = "/v1/channels/" + percent_encode(channel.name) + "/" + std::string(suffix);
  const auto query = query_of(channel.params);
  if (!query) return query;
  if (!query->empty()) target += '?' + *query;
  return target;
}

std::string disconnect_target(const DisconnectWords& words) {
  return "/v1/subjects/" + percent_encode(words.subject) + "/disconnect";
}

std::expected<std::string, std::string> disconnect_body(const DisconnectWords& words) {
  std::string body = "{";
  const auto add = [&body](std::string_view name, const std::string& json) {
    if (body.size() > 1) body += ',';
    body += json_string(name) + ':' + json;
  };
  if (!words.channel.name.empty()) add("channel", json_string(words.channel.name));
  if (!words.channel.params.empty()) {
    if (words.channel.name.empty()) return std::unexpected("--param needs --channel");
    const auto query = query_of(words.channel.params);
    if (!query) return query;
    add("params", json_string(*query));
  }
  if (words.reauthorizes) add("reauthorize", "true");
  if (!words.ban.empty()) {
    const auto ms = parse_duration_ms(words.ban);
    if (!ms) return std::unexpected("--ban " + words.ban + ": expected a time, such as 90s or 10m");
    add("banMs", std::to_string(*ms));
  }
  if (!words.reason.empty()) add("reason", json_string(words.reason));
  return body + '}';
}

std::expected<std::string, std::string> publish_body(const PublishWords& words) {
  std::string body = R"({"type":)" + json_string(words.type) + R"(,"data":)";
  if (words.form == DataForm::Json) {
    if (const auto checked = check_json(words.data); !checked) {
      return std::unexpected("the data is no JSON (" + std::string(checked.error().message()) +
                             "); --text sends it as a text");
    }
    body += words.data;
  } else {
    body += json_string(words.data);
  }
  if (words.form == DataForm::Base64) body += R"(,"encoding":"base64")";
  if (words.is_ephemeral) body += R"(,"ephemeral":true)";
  return body + '}';
}

}  // namespace tako::takoctl
