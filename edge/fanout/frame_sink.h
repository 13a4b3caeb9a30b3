// FrameSink: where the fan-out puts frames for one client; a client connection is one.
#pragma once

#include "common/shared_bytes.h"

namespace tako::edge {

// Never calls back into the fan-out from within these: what follows from a full or broken
// connection is told later, from the loop.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // Queues a whole frame behind earlier ones. A frame or batch that was begun is always taken.
  virtual void send(const SharedBytes& frame) = 0;
  // False: the pump stops for this client until it is told of room.
  [[nodiscard]] virtual bool has_room() const = 0;
};

}  // namespace tako::edge
