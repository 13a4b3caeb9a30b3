// The record is generated code, so its members are here.
#include "edge/server/packed_client.h"

#include "proto/handoff.pb.h"

namespace tako::edge {

PackedClient::PackedClient() : record_(std::make_unique<proto::ClientRecord>()) {}
PackedClient::PackedClient(proto::ClientRecord&& record)
    : record_(std::make_unique<proto::ClientRecord>(std::move(record))) {}
PackedClient::PackedClient(PackedClient&&) noexcept = default;
PackedClient& PackedClient::operator=(PackedClient&&) noexcept = default;
PackedClient::~PackedClient() = default;

std::size_t sockets_of(const proto::ClientRecord& record) {
  switch (record.handler_case()) {
    case proto::ClientRecord::kWebSocket:
    case proto::ClientRecord::kEventStream:
    case proto::ClientRecord::kIdleHttp:
      return 1;
    case proto::ClientRecord::kTunnel:
      return 2;
    case proto::ClientRecord::HANDLER_NOT_SET:
      break;
  }
  return 0;
}

}  // namespace tako::edge
