// Translates between the link's protobuf items and the edge's own types. Pure.
#pragma once

#include "edge/fanout/broker_port.h"
#include "proto/link.pb.h"

namespace tako::edge {

[[nodiscard]] proto::Cursor to_proto(const Cursor& cursor);
[[nodiscard]] ReplayWindow window_from(const proto::Window& window);
// Takes the record's strings; it is left empty.
[[nodiscard]] MessagePtr message_from(proto::Record& record);
[[nodiscard]] Subscribed subscribed_from(const proto::Subscribed& subscribed);
[[nodiscard]] Delivery delivery_from(proto::Messages& messages);
[[nodiscard]] Result<FetchPage> page_from(proto::FetchReply& reply);
[[nodiscard]] Revocation revocation_from(const proto::Revocation& revocation);
[[nodiscard]] Result<PublishAck> ack_from(const proto::PublishReply& reply);

void fill(proto::Subscribe& out, std::uint32_t number, const ChannelIdentity& channel,
          const std::optional<Cursor>& from);
void fill(proto::Fetch& out, const FetchRequest& request);
void fill(proto::Publish& out, const PublishRequest& request);
void fill(proto::ApiCall& out, const ApiRequest& request);

}  // namespace tako::edge
