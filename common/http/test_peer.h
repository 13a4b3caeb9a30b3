// For tests: a raw peer that writes bytes and keeps what comes, on the test's own loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/uv/connector.h"
#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/stream.h"

namespace tako::http::test {

inline constexpr std::chrono::seconds kBound{20};  // Reached only when something is broken.

class Peer final : private uv::StreamObserver {
 public:
  explicit Peer(std::unique_ptr<uv::Stream> stream) : stream_(std::move(stream)) {
    stream_->set_observer(this);
    stream_->start_reading();
  }

  static std::unique_ptr<Peer> connect(uv::Loop& loop, const uv::Address& address) {
    std::unique_ptr<Peer> peer;
    const uv::Connector connector(loop, address, kBound,
                                  [&](Result<std::unique_ptr<uv::Stream>> result) {
                                    if (result) peer = std::make_unique<Peer>(*std::move(result));
                                  });
    static_cast<void>(loop.run_until([&] { return peer != nullptr; }, kBound));
    return peer;
  }

  // For what the kernel takes at once; returns whether it did.
  bool write(std::string_view bytes) {
    const Result<std::size_t> written = stream_->write(bytes);
    return written && *written == bytes.size();
  }
  void finish_writing() { stream_->shutdown_write(); }
  void close() { stream_.reset(); }
  void reset() {
    stream_->reset_on_close();
    stream_.reset();
  }
  void stop_reading() { stream_->stop_reading(); }
  void start_reading() { stream_->start_reading(); }
  [[nodiscard]] bool has_got(std::string_view text) const {
    return received.find(text) != std::string::npos;
  }
  [[nodiscard]] bool is_over() const { return has_ended || was_reset; }

  std::string received;
  bool has_ended = false;  // FIN has come
  bool was_reset = false;

 private:
  void on_bytes(std::span<const std::byte> bytes) override {
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void on_end() override { has_ended = true; }
  void on_closed(uv::CloseReason) override { was_reset = true; }
  void on_writable() override {}

  std::unique_ptr<uv::Stream> stream_;
};

}  // namespace tako::http::test
