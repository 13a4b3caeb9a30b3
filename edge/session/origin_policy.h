// Decides which web origins may use a channel (protocol document §7): allow-list, default same
// host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/session/client.h"

namespace tako::edge {

class OriginPolicy {
 public:
  // Allowed origins of the app, whole (`https://app.example.com`); empty: the same host only.
  explicit OriginPolicy(std::vector<std::string> allowed_origins);

  // Is the request's Origin allowed? `null` never is. Absent: false.
  [[nodiscard]] bool allows_origin(const ClientRequest& request) const;
  // May this request use a channel, given whether a cookie is the credential it would be judged by?
  //  WebSocket upgrade, POST with a cookie: an allowed Origin is needed.
  //  WebSocket with a header or envelope credential, or a public channel: a missing Origin is
  //  accepted, a present one must be allowed.
  //  GET with a cookie: a present Origin must be allowed; without one Sec-Fetch-Site, if present,
  //  must be same-origin.
  //  Anything else: accepted (CORS keeps the answer from foreign pages).
  [[nodiscard]] bool accepts(const ClientRequest& request, bool by_cookie) const;

 private:
  std::vector<std::string> allowed_origins_;
};

}  // namespace tako::edge
