// SingleBox: only this broker appends, so the order of the calls is the order of the cluster.
#pragma once

#include "broker/cluster/cluster_engine.h"

namespace tako::broker {

class SingleBox final : public ClusterEngine {
 public:
  explicit SingleBox(LogEngine& log) : log_(log) {}

  void append(StreamId stream, const std::vector<MessageDraft>& batch, const AppendOptions& options,
              OnAppended on_appended) override;

 private:
  LogEngine& log_;
};

}  // namespace tako::broker
