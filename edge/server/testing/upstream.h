// An app behind the edge, scripted: raw connections on a loopback port of the test's own loop.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/uv/listener.h"
#include "common/uv/loop.h"
#include "common/uv/stream.h"

namespace tako::edge::testing {

// One connection of the edge to the app.
class AppConnection final : private uv::StreamObserver {
 public:
  explicit AppConnection(std::unique_ptr<uv::Stream> stream) : stream_(std::move(stream)) {
    stream_->set_observer(this);
    stream_->start_reading();
  }
  // The whole of `bytes`; a test's answers fit into the kernel's buffer.
  void send(std::string_view bytes) {
    const auto written = stream_->write(bytes);
    REQUIRE(written.has_value());
    REQUIRE(*written == bytes.size());
  }
  // What the kernel takes; returns how much that was.
  std::size_t offer(std::string_view bytes) { return stream_->write(bytes).value_or(0); }
  void stop_reading() { stream_->stop_reading(); }
  void start_reading() { stream_->start_reading(); }
  void shutdown_write() { stream_->shutdown_write(); }
  void close() { stream_.reset(); }

  std::string received;
  bool has_ended = false;

 private:
  void on_bytes(std::span<const std::byte> bytes) override {
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void on_end() override { has_ended = true; }
  void on_closed(uv::CloseReason) override { has_ended = true; }
  void on_writable() override {}

  std::unique_ptr<uv::Stream> stream_;
};

class Upstream {
 public:
  explicit Upstream(uv::Loop& loop) {
    auto socket = uv::open_listening_socket(uv::TcpAddress{"127.0.0.1", 0}, {});
    REQUIRE(socket.has_value());
    listener_ = std::make_unique<uv::Listener>(
        loop, std::move(*socket), counters_, [this](std::unique_ptr<uv::Stream> stream) {
          connections.push_back(std::make_unique<AppConnection>(std::move(stream)));
        });
  }
  [[nodiscard]] std::string origin() const { return "http://" + to_string(listener_->address()); }

  std::vector<std::unique_ptr<AppConnection>> connections;

 private:
  uv::ListenerCounters counters_;
  std::unique_ptr<uv::Listener> listener_;
};

}  // namespace tako::edge::testing
