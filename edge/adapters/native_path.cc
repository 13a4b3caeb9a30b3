// Takes raw paths apart.
#include "edge/adapters/native_path.h"

#include <utility>

#include "common/channel_name.h"

namespace tako::edge {
namespace {

constexpr std::string_view kRoot = "/_tako/channels";

}  // namespace

bool is_native_path(std::string_view path) {
  return path.starts_with(kRoot) && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
}

std::optional<NativeRoute> parse_native_path(std::string_view path) {
  if (path == kRoot) return NativeRoute{};
  const std::string_view rest = path.substr(kRoot.size() + 1);
  const std::size_t slash = rest.find('/');  // Raw: a name's own slash is %2F.
  Result<std::string> name = percent_decode(rest.substr(0, slash));
  if (!name || name->empty()) return std::nullopt;
  NativeRoute route{.kind = NativeRoute::Kind::Channel, .name = std::move(*name)};
  if (slash == std::string_view::npos) return route;
  const std::string_view suffix = rest.substr(slash + 1);
  if (suffix == "messages") {
    route.kind = NativeRoute::Kind::Messages;
  } else if (suffix == "presence") {
    route.kind = NativeRoute::Kind::Presence;
  } else {
    return std::nullopt;
  }
  return route;
}

}  // namespace tako::edge
