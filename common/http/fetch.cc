// Gathers one small answer of an upstream.
#include <utility>

#include "common/http/client_pool.h"

namespace tako::http {

Fetch::Fetch(ClientPool& pool, ClientRequest request, std::size_t body_bytes_max, OnDone on_done)
    : body_bytes_max_(body_bytes_max),
      on_done_(std::move(on_done)),
      exchange_(pool.start(std::move(request), *this)) {}

void Fetch::on_response(ResponseHead head) {
  if (head.status == 101) {
    finish(fail(ErrorCode::UpstreamUnavailable, "the upstream left HTTP"));
    return;
  }
  response_.head = std::move(head);
}

void Fetch::on_response_body(std::span<const std::byte> piece) {
  if (piece.size() > body_bytes_max_ - response_.body.size()) {
    finish(fail(ErrorCode::UpstreamUnavailable, "the upstream's answer is larger than " +
                                                    std::to_string(body_bytes_max_) + " bytes"));
    return;
  }
  response_.body.append(reinterpret_cast<const char*>(piece.data()), piece.size());
}

void Fetch::on_response_end() { finish(std::move(response_)); }

void Fetch::on_failed(const Error& error) { finish(std::unexpected(error)); }

// Last, since the callback may destroy *this.
void Fetch::finish(Result<WholeResponse> result) {
  exchange_.reset();
  const OnDone done = std::move(on_done_);
  done(std::move(result));
}

}  // namespace tako::http
