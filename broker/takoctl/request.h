// What takoctl's commands ask of the app API: paths and bodies from words of the command line.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace tako::takoctl {

struct ChannelRef {
  std::string name;
  std::vector<std::string> params;  // "k=v", as given
};

// "/v1/channels/<name>/<suffix>?k=v&…". Errors: a param without `=`.
[[nodiscard]] std::expected<std::string, std::string> channel_target(const ChannelRef& channel,
                                                                     std::string_view suffix);

struct DisconnectWords {
  std::string subject;
  ChannelRef channel = {};  // without a name: everywhere
  std::string ban = {};     // "30s", "10m", "2h", or milliseconds; "0": lifts; "": no ban
  bool reauthorizes = false;
  std::string reason = {};
};
[[nodiscard]] std::string disconnect_target(const DisconnectWords& words);
// {"channel",…}. Errors: a param without `=` or without a channel, a ban that is no time.
[[nodiscard]] std::expected<std::string, std::string> disconnect_body(const DisconnectWords& words);

enum class DataForm { Json, Text, Base64 };

struct PublishWords {
  std::string type;
  std::string data;
  DataForm form = DataForm::Json;
  bool is_ephemeral = false;
};
// {"type","data",…}. JSON data goes as it is. Errors: it is no JSON.
[[nodiscard]] std::expected<std::string, std::string> publish_body(const PublishWords& words);

}  // namespace tako::takoctl
