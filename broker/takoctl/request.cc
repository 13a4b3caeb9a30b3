// Builds request targets and bodies.
#include "broker/takoctl/request.h"

#include "common/channel_name.h"
#include "common/json_text.h"

namespace tako::takoctl {

std::expected<std::string, std::string> channel_target(const ChannelRef& channel,
                                                       std::string_view suffix) {
  std::string target = "/v1/channels/" + percent_encode(channel.name) + "/" + std::string(suffix);
  char separator = '?';
  for (const std::string& param : channel.params) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return std::unexpected("--param " + param + ": expected NAME=VALUE");
    }
    target += separator + percent_encode(param.substr(0, equals)) + '=' +
              percent_encode(param.substr(equals + 1));
    separator = '&';
  }
  return target;
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
