// The link's frames as bytes: decoding what an edge sends, encoding items for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/channel/control_item.h"
#include "broker/log/stored_message.h"
#include "common/position.h"
#include "common/result.h"
#include "proto/link.pb.h"

namespace tako::broker {

// Pure: any bytes in, a frame or an Error (ProtocolError) out.
[[nodiscard]] Result<proto::EdgeFrame> decode_edge_frame(std::span<const std::byte> frame);
// Errors: BadRequest for a cursor that no id could be.
[[nodiscard]] Result<Cursor> decode_cursor(const proto::Cursor& cursor);
[[nodiscard]] proto::Window encode_window(const ReplayWindow& window);
[[nodiscard]] proto::Control encode_control(const ControlItem& item);

// Items are encoded as fields of a BrokerFrame: a frame is its items, one behind the other. Stored
// messages are spliced in as they are.
[[nodiscard]] std::string encode_item(const proto::BrokerItem& item);
[[nodiscard]] std::string encode_messages(const proto::Messages& head,
                                          std::span<const MessagePtr> records);
[[nodiscard]] std::string encode_fetch_reply(const proto::FetchReply& head,
                                             std::span<const MessagePtr> records);

}  // namespace tako::broker
