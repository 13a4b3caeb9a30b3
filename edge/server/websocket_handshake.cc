// The checks of RFC 6455 4.2.1, in the order of the section; SHA-1 is OpenSSL's.
#include "edge/server/websocket_handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "common/ascii.h"
#include "common/base64.h"
#include "common/check.h"

namespace tako::edge {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t kKeyBytes = 16;

bool lists_token(const ClientRequest& request, std::string_view name, std::string_view token) {
  const auto elements = header_list(request, name);
  return std::ranges::any_of(elements, [token](std::string_view element) {
    return http::equal_ignoring_case(element, token);
  });
}

std::size_t count(const ClientRequest& request, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count_if(
      request.headers, [name](const auto& field) { return field.first == name; }));
}

Result<void> check_key(const ClientRequest& request) {
  if (count(request, "sec-websocket-key") != 1) {
    return fail(ErrorCode::HandshakeInvalid, "missing Sec-WebSocket-Key");
  }
  const auto key = base64_decode(*request.header("sec-websocket-key"));
  if (!key || key->size() != kKeyBytes) {
    return fail(ErrorCode::HandshakeInvalid, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  return {};
}

}  // namespace

std::vector<std::string_view> header_list(const ClientRequest& request, std::string_view name) {
  std::vector<std::string_view> elements;
  for (const auto& [field, value] : request.headers) {
    if (field != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      const std::string_view element = ascii::trimmed(rest.substr(0, comma));
      if (!element.empty()) elements.push_back(element);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return elements;
}

bool asks_for_websocket(const ClientRequest& request) {
  return lists_token(request, "upgrade", "websocket");
}

Result<void> check_websocket_handshake(const ClientRequest& request) {
  if (request.method != "GET") {
    return fail(ErrorCode::HandshakeInvalid, "a WebSocket handshake is a GET");
  }
  if (request.is_http_1_0) {
    return fail(ErrorCode::HandshakeInvalid, "a WebSocket handshake needs HTTP/1.1");
  }
  if (!lists_token(request, "connection", "upgrade")) {
    return fail(ErrorCode::HandshakeInvalid, "Connection does not say Upgrade");
  }
  if (const auto key = check_key(request); !key) return key;
  const std::string* version = request.header("sec-websocket-version");
  if (version == nullptr || count(request, "sec-websocket-version") != 1 || *version != "13") {
    return fail(ErrorCode::VersionUnsupported);
  }
  return {};
}

std::string make_accept_key(std::string_view key) {
  const std::string text = std::string(key).append(kGuid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  TAKO_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

http::Headers websocket_response_headers(const ClientRequest& request,
                                         std::string_view subprotocol) {
  const std::string* key = request.header("sec-websocket-key");
  TAKO_CHECK(key != nullptr);
  http::Headers headers{{"Upgrade", "websocket"},
                        {"Connection", "Upgrade"},
                        {"Sec-WebSocket-Accept", make_accept_key(*key)},
                        {"Cache-Control", "no-store"}};
  if (!subprotocol.empty()) headers.add("Sec-WebSocket-Protocol", std::string(subprotocol));
  return headers;
}

}  // namespace tako::edge
