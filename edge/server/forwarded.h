// Forwarded headers: who the client is behind trusted proxies, and what the app is told of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/ip_range.h"
#include "common/http/headers.h"

namespace tako::edge {

// Where a request comes from, as far as it can be believed.
struct ClientOrigin {
  std::string ip = {};               // "" for a unix socket
  std::string proto = "http";        // http, https
  std::string host = {};             // as the client asked for it
  std::string chain = {};            // X-Forwarded-For for the app
  bool has_ignored_headers = false;  // forwarded headers came from a peer that is not trusted
};

class ForwardedPolicy {
 public:
  // Texts that IpRange::parse takes (checked by the configuration); others are left out.
  explicit ForwardedPolicy(const std::vector<std::string>& trusted_proxies);

  // The peer is judged by its address; then, from right to left, the first hop that no trusted
  // proxy vouches for is the client. X-Forwarded-For goes before Forwarded.
  [[nodiscard]] ClientOrigin judge(std::string_view peer_ip, const http::Headers& headers) const;

 private:
  [[nodiscard]] bool is_trusted(std::string_view ip) const;

  std::vector<config::IpRange> trusted_;
};

// Replaces all forwarded headers by ours: Forwarded (RFC 7239), X-Forwarded-For, -Proto, -Host.
void set_forwarded(http::Headers& headers, const ClientOrigin& origin);

}  // namespace tako::edge
