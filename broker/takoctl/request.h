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
