// FakeSubscriber: keeps what it is told and sent, for tests; its room is what the test says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edge/fanout/encoder.h"
#include "edge/fanout/subscriber.h"

namespace tako::edge::testing {

// Encodes a message as its id, or as its data when it has none: what tests compare.
class IdEncoder final : public Encoder {
 public:
  [[nodiscard]] SharedBytes encode(const Message& message,
                                   const ChannelIdentity& /*channel*/) const override {
    ++encoded;
    return SharedBytes(message.position.offset != 0 ? std::to_string(message.position.offset)
                                                    : message.data);
  }
  mutable std::size_t encoded = 0;
};

class FakeSink final : public FrameSink {
 public:
  void send(const SharedBytes& frame) override {
    frames.emplace_back(frame.view());
    if (room > 0) --room;
  }
  [[nodiscard]] bool has_room() const override { return room > 0; }

  std::vector<std::string> frames;
  std::size_t room = SIZE_MAX;  // frames until it is full
};

class FakeSubscriber final : public Subscriber {
 public:
  FakeSubscriber() { set_sink(&sink); }
  void on_started(const Start& start) override {
    started = start;
    if (leaves_on_gap && start.gap) leave();
  }
  void on_gap(const Gap& gap) override {
    gaps.push_back(gap);
    sink.frames.push_back("gap " + std::to_string(gap.from.offset) + ".." +
                          std::to_string(gap.to.offset));
    if (leaves_on_gap) leave();
  }
  void on_ended(const Error& error) override { ended = error; }
  [[nodiscard]] bool is_connection(std::string_view id) const override { return id == connection; }
  void on_own_passed(std::uint64_t offset) override { own_passed.push_back(offset); }

  FakeSink sink;
  std::optional<Start> started;
  std::vector<Gap> gaps;
  std::optional<Error> ended;
  std::vector<std::uint64_t> own_passed;
  std::string connection = "me";
  bool leaves_on_gap = false;
};

}  // namespace tako::edge::testing
