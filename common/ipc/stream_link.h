// StreamLink: a link that the loop reads itself, as the edge's dialer makes them.
//
// Not over nng: 1.5 hands every received byte through two of its threads before the loop sees it,
// 25 to 30 µs for each message of a quiet channel. That is as much as two deliveries, and the edge
// receives all that is published. The broker receives little, and keeps nng.
#pragma once

#include <memory>
#include <string>

#include "common/ipc/frame_decoder.h"
#include "common/ipc/link.h"
#include "common/uv/send_queue.h"
#include "common/uv/stream.h"

namespace tako::ipc {

class StreamLink final : public Link, private uv::StreamObserver {
 public:
  explicit StreamLink(std::unique_ptr<uv::Stream> stream);
  ~StreamLink() override;

  void start(LinkObserver& observer) override;
  void send(std::string_view payload) override;
  void flush() override;
  [[nodiscard]] std::size_t pending_bytes() const override {
    return filling_.size() + waiting_.size();
  }
  [[nodiscard]] std::optional<std::uint32_t> peer_uid() const override;

 private:
  void on_bytes(std::span<const std::byte> bytes) override;
  void on_end() override;
  void on_closed(uv::CloseReason reason) override;
  void on_writable() override;
  void stop_writing();

  LinkObserver* observer_ = nullptr;
  std::unique_ptr<uv::Stream> stream_;
  FrameDecoder decoder_;
  std::string filling_;          // queued
  uv::SendQueue waiting_;        // flushed, but not taken by the kernel yet
  bool is_broken_ = false;       // A write failed: the peer's end is told by reading.
  std::shared_ptr<bool> alive_;  // false once destroyed: asked after each observer call
};

}  // namespace tako::ipc
