// Connects and wraps the stream.
#include "common/ipc/link_dialer.h"

#include <chrono>
#include <utility>

#include "common/ipc/stream_link.h"

namespace tako::ipc {
namespace {

// A unix connect waits only while the listener's backlog is full.
constexpr std::chrono::milliseconds kDialMs{5'000};

}  // namespace

LinkDialer::LinkDialer(uv::Loop& loop, std::string path, OnLink on_link)
    : loop_(loop), path_(std::move(path)), on_link_(std::move(on_link)) {}

void LinkDialer::dial() {
  connector_ = std::make_unique<uv::Connector>(
      loop_, uv::UnixAddress{path_}, kDialMs,
      [this](Result<std::unique_ptr<uv::Stream>> stream) { on_dialed(std::move(stream)); });
}

void LinkDialer::on_dialed(Result<std::unique_ptr<uv::Stream>> stream) {
  if (!stream) {
    on_link_(fail(ErrorCode::Unavailable, std::string(stream.error().message())));
  } else {
    on_link_(std::make_unique<StreamLink>(*std::move(stream)));
  }
}

}  // namespace tako::ipc
