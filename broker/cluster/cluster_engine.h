// ClusterEngine: who else appends to the channels; every append takes its place through it.
#pragma once

#include <vector>

#include "broker/log/log_engine.h"

namespace tako::broker {

// Orders the appends of all brokers. Nobody else calls LogEngine::append, so nobody may assume that
// what follows the head he has seen is his own: what was appended is what on_appended says, and
// what can be read is what the log's window says.
class ClusterEngine {
 public:
  virtual ~ClusterEngine() = default;
  // As LogEngine::append. The offsets are those that the whole cluster agrees on.
  virtual void append(StreamId stream, const std::vector<MessageDraft>& batch,
                      const AppendOptions& options, OnAppended on_appended) = 0;
};

}  // namespace tako::broker
