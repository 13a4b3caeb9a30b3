// Compares origins whole: with the app's list, or with the request's own host.
#include "edge/session/origin_policy.h"

#include <algorithm>
#include <optional>

#include "common/ascii.h"

namespace tako::edge {
namespace {

std::string_view without_port(std::string_view host, std::string_view port) {
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return host;
}

// Host and port of `scheme://host[:port]`, without the scheme's default port; nullopt for anything
// else (`null`, a path, user info).
std::optional<std::string_view> origin_host(std::string_view origin) {
  const std::size_t mark = origin.find("://");
  if (mark == std::string_view::npos || mark == 0) return std::nullopt;
  const std::string_view scheme = origin.substr(0, mark);
  const std::string_view host = origin.substr(mark + 3);
  if (host.empty() || host.find_first_of("/?#@ \\") != std::string_view::npos) return std::nullopt;
  if (scheme == "http") return without_port(host, ":80");
  if (scheme == "https") return without_port(host, ":443");
  return host;
}

// The scheme of the request is not known behind a TLS proxy, so either default port goes.
std::string_view request_host(std::string_view host) {
  return without_port(without_port(host, ":80"), ":443");
}

// The one Origin of a request; "" with none, nullopt with several (nobody honest sends two).
std::optional<std::string> only_origin(const ClientRequest& request) {
  std::string found;
  for (const auto& [name, value] : request.headers) {
    if (name != "origin") continue;
    if (!found.empty()) return std::nullopt;
    found = value.empty() ? "null" : ascii::lowered(value);
  }
  return found;
}

}  // namespace

OriginPolicy::OriginPolicy(std::vector<std::string> allowed_origins)
    : allowed_origins_(std::move(allowed_origins)) {
  for (std::string& origin : allowed_origins_) origin = ascii::lowered(origin);
}

bool OriginPolicy::allows_origin(const ClientRequest& request) const {
  const std::optional<std::string> origin = only_origin(request);
  if (!origin || origin->empty() || *origin == "null") return false;
  if (!allowed_origins_.empty()) {
    return std::ranges::find(allowed_origins_, *origin) != allowed_origins_.end();
  }
  const std::optional<std::string_view> host = origin_host(*origin);
  return host && !request.host.empty() && *host == request_host(ascii::lowered(request.host));
}

bool OriginPolicy::accepts(const ClientRequest& request, bool by_cookie) const {
  const bool has_origin = request.header("origin") != nullptr;
  if (request.is_websocket) {
    return has_origin ? allows_origin(request) : !by_cookie;
  }
  if (!by_cookie) return true;
  if (has_origin) return allows_origin(request);
  if (request.method != "GET" && request.method != "HEAD") return false;
  const std::string* site = request.header("sec-fetch-site");
  return site == nullptr || *site == "same-origin";
}

}  // namespace tako::edge
