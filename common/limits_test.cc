// How the limits fit together: what one lets in, the next must be able to carry.
#include "common/limits.h"

#include <doctest/doctest.h>

namespace tako::limits {

TEST_CASE("whatever one stage admits, the next can hold") {
  // A publish and a batch cross the link in one frame, protobuf's overhead included.
  CHECK(kMessageDataBytesMax + kMiB <= kLinkFrameBytesMax);
  CHECK(kBatchBytesMax + kMiB <= kLinkFrameBytesMax);
  CHECK(kHistoryPageBytesMax + kMessageDataBytesMax < kLinkFrameBytesMax);
  // A client's message is a message, and its reply fits what waits for it.
  CHECK(kClientMessageBytesMax <= kMessageDataBytesMax);
  // The largest message fits the log and the caches that must serve it.
  CHECK(kMessageDataBytesMax <= kChannelBytesMax);
  CHECK(kChannelBytesMax <= kLogBytesMax);
  CHECK(kTailCacheBytesMax <= kTailCachesBytesMax);
  CHECK(kTailCacheMessagesMax <= kChannelMessagesMax);
  // The broker's pump gives each channel a share that is smaller than the outbox.
  CHECK(kLinkPumpBytes < kLinkOutboxBytesMax);
  CHECK(kHistoryPageDefault <= kHistoryPageMax);
}

TEST_CASE("waits end in the order in which they stand inside each other") {
  CHECK(kLinkWaitMs < kLinkLostServeMs);
  CHECK(kLinkWaitMs < kLinkRestartWaitMs);
  CHECK(kAuthorizeCacheMsMax > kAuthorizeTimeoutMs);
  CHECK(kAuthEnvelopeMs < kEmptyConnectionMs);
}

}  // namespace tako::limits
