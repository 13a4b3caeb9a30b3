// A message as the edge holds it: immutable, shared by all subscribers, encoded once per wire form.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/message_json.h"
#include "common/position.h"
#include "common/shared_bytes.h"

namespace tako::edge {

// Which channel: everything that is the same for all of its messages and subscribers.
struct ChannelIdentity {
  std::string app;
  std::string name;         // the wire name alone
  std::string key;          // `chat?roomId=42`
  std::string params_json;  // the partitioning params
};

// The wire forms a message is encoded to. A new protocol adds its forms at the end.
enum class WireForm : std::uint8_t { WsPlain, WsRich, SseChunked, SsePlain, Count };

struct Message {
  Position position;  // offset 0: ephemeral
  std::int64_t time_ms = 0;
  std::string type;
  std::string data;
  Encoding encoding = Encoding::Json;
  std::string subject;
  std::string connection;        // who published it, for echo:false
  std::uint32_t batch_rest = 0;  // messages of the same atomic batch that follow this one

  // Frames made so far, one slot per WireForm; filled by the fan-out on first use.
  mutable std::array<SharedBytes, static_cast<std::size_t>(WireForm::Count)> frames;
};
using MessagePtr = std::shared_ptr<const Message>;

}  // namespace tako::edge
