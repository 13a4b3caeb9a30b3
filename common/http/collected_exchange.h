// CollectedExchange: an exchange that wants its request body whole, up to a bound.
#pragma once

#include <cstddef>
#include <string>

#include "common/http/server_connection.h"

namespace tako::http {

// Derive, and answer in on_request_whole() or later. A larger body is answered with 413, before it
// has been read when Content-Length tells.
class CollectedExchange : public Exchange {
 public:
  CollectedExchange(ServerConnection& connection, std::size_t body_bytes_max)
      : connection_(connection), body_bytes_max_(body_bytes_max) {}

 protected:
  virtual void on_request_whole(std::string body) = 0;
  [[nodiscard]] ServerConnection& connection() noexcept { return connection_; }

 private:
  void on_body(std::span<const std::byte> piece) final;
  void on_body_end() final;

  ServerConnection& connection_;
  std::size_t body_bytes_max_;
  std::string body_;
};

}  // namespace tako::http
