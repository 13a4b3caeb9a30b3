// Clients out of this process and into it: live ones, tunnels, and idle HTTP connections.
#include <utility>

#include "common/check.h"
#include "edge/server/edge_server_impl.h"
#include "proto/handoff.pb.h"

namespace tako::edge {
namespace {

// Of the records that this version can go on with; those that need more are refused.
constexpr std::uint32_t kRecordVersion = 1;

}  // namespace

// Live clients come first: a tunnel's pause or an idle connection's is seen by nobody.
std::vector<PackedClient> EdgeServer::Impl::pack(std::size_t count, std::size_t bytes_max) {
  std::vector<PackedClient> out;
  clients_.pack(out, count, bytes_max);
  if (out.empty()) proxy_.pack(out, count / 2);
  if (!out.empty()) return out;
  for (uv::Fd& socket : server_.take_idle(count)) {
    PackedClient& packed = out.emplace_back();
    packed.record().mutable_idle_http();
    packed.sockets.push_back(std::move(socket));
  }
  return out;
}

void EdgeServer::Impl::let_go() {
  clients_.release_input();
  proxy_.let_go();
}

Result<void> EdgeServer::Impl::accept(PackedClient& packed, std::size_t others) {
  const proto::ClientRecord& record = packed.record();
  if (record.needs_version() > kRecordVersion || sockets_of(record) != packed.sockets.size() ||
      packed.sockets.empty()) {
    return fail(ErrorCode::NotImplemented, "a client of a newer version");
  }
  if (record.has_tunnel() || record.has_idle_http()) return {};
  if (sites_.of_app(record.app()) == nullptr) return fail(ErrorCode::NotFound, "no such app here");
  if (!clients_.has_room(others)) {
    ++parts_.limit_counters.connections_max;
    return fail(ErrorCode::LimitReached, "too many connections");
  }
  for (ClientProtocol* protocol : protocols_) {
    packed.handler = protocol->restore(record);
    if (packed.handler != nullptr) return {};
  }
  return fail(ErrorCode::NotImplemented, "a client of an unknown protocol");
}

void EdgeServer::Impl::unpack(PackedClient packed, bool stays) {
  const proto::ClientRecord& record = packed.record();
  if (record.has_tunnel()) return proxy_.unpack(std::move(packed));
  if (record.has_idle_http()) return server_.adopt_idle(std::move(packed.sockets.front()));
  TAKO_CHECK(packed.handler != nullptr);
  ClientContext& context = sites_.of_app(record.app())->client_context();
  clients_.unpack(context, std::move(packed), stays);
}

std::size_t EdgeServer::Impl::client_sockets() const {
  return clients_.size() + 2 * proxy_.tunnels() + server_.connection_count();
}

void EdgeServer::Impl::finish_requests() {
  server_.drain([this] { is_http_drained_ = true; });
}

http::Server& EdgeServer::http_server() { return impl_->server(); }

std::vector<PackedClient> EdgeServer::pack(std::size_t count, std::size_t bytes_max) {
  return impl_->pack(count, bytes_max);
}

void EdgeServer::let_go() { impl_->let_go(); }

Result<void> EdgeServer::accept(PackedClient& packed, std::size_t others) {
  return impl_->accept(packed, others);
}

void EdgeServer::unpack(PackedClient packed) { impl_->unpack(std::move(packed), false); }

void EdgeServer::unpack_to_stay(PackedClient packed) {
  const Result<void> accepted = impl_->accept(packed, 0);
  if (accepted) impl_->unpack(std::move(packed), true);
}

std::size_t EdgeServer::client_sockets() const { return impl_->client_sockets(); }

void EdgeServer::finish_requests() { impl_->finish_requests(); }

bool EdgeServer::is_empty() const { return impl_->is_empty(); }

}  // namespace tako::edge
