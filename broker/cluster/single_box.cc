// Hands every append straight to the log.
#include "broker/cluster/single_box.h"

#include <utility>

namespace tako::broker {

void SingleBox::append(StreamId stream, const std::vector<MessageDraft>& batch,
                       OnAppended on_appended) {
  log_.append(stream, batch, std::move(on_appended));
}

}  // namespace tako::broker
