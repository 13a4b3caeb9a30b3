// EdgeLink: one connected edge: what it asks, what it is told, and its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "broker/channel/control_stream.h"
#include "broker/channel/history.h"
#include "broker/edge_channels.h"
#include "broker/edge_outbox.h"
#include "broker/edge_presence.h"
#include "broker/edge_registry.h"
#include "proto/link.pb.h"

namespace tako::broker {

//   Greeting ──Hello, versions meet──▶ Linked ──peer gone, its fault, a bound──▶ Ended
//      └──Hello refused, or something else first──────────────────────────────────▲
//
// When the broker ends: Leaving ──▶ edge, edge ──LeaveSeen──▶, the last answers, then the link's
// end.
//
// With the link end its subscriptions and its occupancy, at once. Answers that come later are
// dropped: the edge asks again on its next link.
class EdgeLink final : private ControlFollower, private WebhookPoster {
 public:
  // Both outlive the link.
  EdgeLink(EdgeRegistry& registry, FrameSink& sink);
  ~EdgeLink();
  EdgeLink(const EdgeLink&) = delete;
  EdgeLink& operator=(const EdgeLink&) = delete;

  // One whole frame of the edge (a serialized EdgeFrame).
  void on_frame(std::span<const std::byte> frame);
  // At the end of a loop turn, after FrameSink::schedule_flush(); and when waits_for_room(), once
  // FrameSink::pending_bytes() has become small.
  void flush();
  // This broker ends: asks the edge to send nothing more, and hangs up once all it has sent is
  // answered.
  void say_goodbye();
  // The last flush() left something for want of room.
  [[nodiscard]] bool waits_for_room() const { return waits_for_room_; }

  [[nodiscard]] bool is_welcomed() const { return state_ == State::Linked; }
  [[nodiscard]] std::string_view edge_name() const override { return edge_name_; }
  [[nodiscard]] std::uint64_t instance() const { return instance_; }
  [[nodiscard]] std::size_t channels() const { return channels_.size(); }

 private:
  enum class State : std::uint8_t { Greeting, Linked, Ended };
  enum class Refusal : std::uint8_t { Other, Version };

  void on_control() override { sink_.schedule_flush(); }
  [[nodiscard]] std::uint64_t control_applied() const override { return control_applied_; }
  [[nodiscard]] bool takes_revocations() const override { return version_ >= 2; }

  void post(const WebhookLease& lease) override;

  void handle(proto::EdgeItem& item);
  void greet(const proto::Hello& hello);
  void welcome(const proto::Hello& hello, std::uint32_t version);
  void refuse(std::string_view reason, Refusal refusal = Refusal::Other);
  void subscribe(const proto::Subscribe& subscribe);
  void open_presence(const proto::PresenceOpen& open);
  void say_presence(proto::PresenceSession& session);
  void fetch(proto::Fetch& fetch);
  void publish(proto::Publish& publish);
  void call_api(proto::ApiCall& call);
  void apply_control(const proto::ControlApplied& applied);

  // True: there are too many requests of this edge under way; the caller refuses one more.
  [[nodiscard]] bool is_request_over_limit();
  // The next changes of the control stream, while there is room.
  void pump_control();
  void serve_call();
  void serve_fetch();
  void reply_fetch(std::uint64_t request, const Result<Page>& page);
  void reply(const proto::BrokerItem& item);
  void reply_publish(std::uint64_t request, const Result<Published>& published);
  void reply_api(std::uint64_t request, ApiAnswer answer);
  void reply_fetch_error(std::uint64_t request, const Error& error);
  // Nothing that the edge has sent is without its answer, and every answer is on its way.
  [[nodiscard]] bool is_all_answered() const;
  // The edge broke the protocol, or a bound.
  void end(std::string_view reason);
  void leave();

  EdgeRegistry& registry_;
  const BrokerParts& parts_;
  FrameSink& sink_;
  LinkId id_;
  State state_ = State::Greeting;
  bool waits_for_room_ = false;
  bool is_left_ = false;  // the edge has seen our goodbye
  std::string edge_name_;
  std::uint64_t instance_ = 0;
  std::uint32_t version_ = 0;  // of the link
  std::uint64_t control_sent_ = 0;
  std::uint64_t control_applied_ = 0;
  std::size_t requests_ = 0;  // publishes and calls that wait for their answer
  // Served when there is room: their answers are pages, and many at once would end the link.
  std::deque<proto::ApiCall> calls_;
  std::deque<proto::Fetch> fetches_;
  bool is_fetching_ = false;
  EdgeOutbox outbox_;
  EdgeChannels channels_;
  EdgePresence presence_;
};

}  // namespace tako::broker
