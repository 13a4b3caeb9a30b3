// Encoder: turns a message into the complete wire bytes of one form, once for all subscribers.
#pragma once

#include <array>
#include <cstddef>

#include "common/shared_bytes.h"
#include "edge/fanout/message.h"

namespace tako::edge {

// Pure: what differs from one subscriber to another stays out of the bytes.
class Encoder {
 public:
  virtual ~Encoder() = default;
  [[nodiscard]] virtual SharedBytes encode(const Message& message,
                                           const ChannelIdentity& channel) const = 0;
};

inline constexpr std::size_t kWireForms = static_cast<std::size_t>(WireForm::Count);

// One per WireForm, by its number; none is null. They outlive the hub.
using Encoders = std::array<const Encoder*, kWireForms>;

}  // namespace tako::edge
