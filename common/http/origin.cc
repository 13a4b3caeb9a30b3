// Parses and prints origins.
#include "common/http/origin.h"

#include <utility>

namespace tako::http {

namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kUnix = "unix:";

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorCode::ConfigInvalid, "\"" + std::string(text) +
                                            "\" is no upstream: " + std::string(why) +
                                            "; write http://HOST:PORT or unix:PATH");
}

}  // namespace

Result<Origin> Origin::parse(std::string_view text) {
  std::string_view rest = text;
  if (text.starts_with("https://")) return refuse(text, "TLS to the app is not supported");
  if (text.starts_with(kHttp)) {
    rest.remove_prefix(kHttp.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#@") != rest.npos) {
      return refuse(text, "nothing may stand behind the port, and no user before the host");
    }
    const std::size_t bracket = rest.rfind(']');
    const std::size_t from = bracket == rest.npos ? 0 : bracket;
    if (rest.find(':', from) == rest.npos) return refuse(text, "the port is missing");
  } else if (!text.starts_with(kUnix)) {
    return refuse(text, "it has no scheme");
  }
  Result<uv::Address> address = uv::parse_address(rest);
  if (!address) return refuse(text, address.error().detail);
  const auto* tcp = std::get_if<uv::TcpAddress>(&*address);
  if (tcp != nullptr && tcp->port == 0) return refuse(text, "nobody listens on port 0");
  return Origin{*std::move(address)};
}

std::string Origin::to_string() const {
  const bool is_unix = std::holds_alternative<uv::UnixAddress>(address);
  return (is_unix ? std::string() : std::string(kHttp)) + uv::to_string(address);
}

std::string Origin::host() const {
  return std::holds_alternative<uv::UnixAddress>(address) ? "localhost" : uv::to_string(address);
}

}  // namespace tako::http
