// The words of an authorize call: operations, and a credential split as the app sees it.
#include "edge/session/authorizer.h"

namespace tako::edge {

std::string_view to_string(Operation operation) {
  switch (operation) {
    case Operation::Subscribe:
      return "subscribe";
    case Operation::Connect:
      return "connect";
    case Operation::Publish:
      return "publish";
    case Operation::History:
      return "history";
    case Operation::Presence:
      return "presence";
  }
  return "";
}

HeaderCredential parse_credential(std::string_view header_value) {
  const std::size_t space = header_value.find(' ');
  if (space == std::string_view::npos) return {std::nullopt, std::string(header_value)};
  return {std::string(header_value.substr(0, space)), std::string(header_value.substr(space + 1))};
}

}  // namespace tako::edge
