// Hands every append straight to the log.
#include "broker/cluster/single_box.h"

#include <utility>

namespace tako::broker {

void SingleBox::append(StreamId stream, const std::vector<MessageDraft>& batch,
                       const AppendOptions& options, OnAppended on_appended) {
  log_.append(stream, batch, options, std::move(on_appended));
}

}  // namespace tako::broker
