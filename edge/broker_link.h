// BrokerLink: the edge's end of the link. Dials, greets, keeps definitions current, carries
// requests.
//
//   Waiting --dial--> Dialing --stream--> Greeting --Welcome, control stream applied--> Linked
//      ^                 | refused            | lost, Refused                             | lost
//      +-----------------+--------------------+-------------------------------------------+
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/ipc/link_dialer.h"
#include "common/random.h"
#include "common/uv/loop.h"
#include "common/uv/timer.h"
#include "edge/fanout/broker_port.h"
#include "edge/pending_requests.h"
#include "proto/link.pb.h"

namespace tako::edge {

struct BrokerLinkCounters {
  std::uint64_t links_made = 0;
  std::uint64_t links_lost = 0;
  std::uint64_t links_refused = 0;
  std::uint64_t frames_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t malformed_frames = 0;
};

class BrokerLink final : public BrokerPort, private ipc::LinkObserver {
 public:
  // Told of changes an operator should see. Texts are safe to log.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_link_state(bool is_linked, std::string_view detail) = 0;
    // The link stands, but something of the broker's can't be honoured.
    virtual void on_link_warning(std::string_view text) = 0;
  };

  // All references outlive the link.
  BrokerLink(uv::Loop& loop, Random& random, const RuntimeLimits& limits, LimitCounters& counters,
             const std::string& path, std::string edge_name);
  ~BrokerLink() override;

  // Begins to dial, and goes on for ever. `events` and `listener` outlive the link.
  void start(BrokerEvents& events, Listener& listener);
  // Sends what is queued and hangs up; for the end of the process.
  void stop();

  [[nodiscard]] bool is_linked() const override { return state_ == State::Linked; }
  [[nodiscard]] std::int64_t unlinked_since_ms() const override;
  [[nodiscard]] std::int64_t restart_until_ms() const override { return restart_until_ms_; }
  void subscribe(ChannelNumber number, const ChannelIdentity& channel,
                 const std::optional<Cursor>& from) override;
  void unsubscribe(ChannelNumber number) override;
  void occupancy(ChannelNumber number, std::uint32_t subscribers) override;
  [[nodiscard]] bool takes_presence() const override;
  [[nodiscard]] bool has_presence() const override;
  void presence_open(ChannelNumber number, const ChannelIdentity& channel,
                     const PresenceReport& report,
                     const std::optional<PresenceVersion>& has) override;
  void presence_close(ChannelNumber number) override;
  void presence_session(ChannelNumber number, std::uint64_t session,
                        const PresenceListing& listing) override;
  void presence_gone(ChannelNumber number, std::uint64_t session, PresenceEnd reason) override;
  void webhook_done(std::uint64_t lease, int status, std::string_view error) override;
  void fetch(FetchRequest request, Reply<FetchPage> reply) override;
  void publish(PublishRequest request, Reply<PublishAck> reply) override;
  void api_call(ApiRequest request, Reply<ApiAnswer> reply) override;

  // How far the control stream has been applied, and which one.
  [[nodiscard]] std::uint64_t control_stream() const { return control_stream_; }
  [[nodiscard]] std::uint64_t control_applied() const { return control_applied_; }
  [[nodiscard]] const BrokerLinkCounters& counters() const { return counters_; }
  // Why the broker refused this edge when it last tried; "" when it did not.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] std::size_t pending_requests() const { return pending_.size(); }

 private:
  enum class State : std::uint8_t { Waiting, Dialing, Greeting, Linked };

  void on_frame(std::span<const std::byte> frame) override;
  void on_drained() override {}
  void on_closed(const Error& error) override;

  void dial();
  void on_dialed(Result<std::unique_ptr<ipc::Link>> link);
  void greet();
  // Closes the link at the turn's end (it may be on the stack) and dials again after a pause.
  void lose(const std::string& reason);
  // As lose(); what it waits for is an upgrade, so the pause is longer.
  void lose_for_version(const std::string& reason);
  void redial_after(std::int64_t base_ms);
  void drop_link();
  void apply(proto::BrokerItem& item);
  void apply_welcome(const proto::Welcome& welcome);
  void apply_refusal(const proto::Refused& refused);
  void apply_control(const proto::Control& control);
  // The broker ends in order: what it has got it answers, what comes now waits for the next one.
  void apply_leaving();
  void become_linked_when_current();
  void request(proto::EdgeItem item, bool may_repeat, PendingRequests::Answer answer);
  void send_waiting();
  // A broker that is stopped, or stuck, takes no more; what waits for it is given up, and said
  // again when it is back: subscriptions at their cursors, requests that may be repeated.
  void bound_backlog();
  proto::EdgeItem& queue();
  void flush();
  void send(proto::EdgeFrame& frame);
  void on_tick();

  uv::Loop& loop_;
  Random& random_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  std::string edge_name_;
  std::uint64_t instance_;
  BrokerEvents* events_ = nullptr;
  Listener* listener_ = nullptr;

  State state_ = State::Waiting;
  bool has_been_linked_ = false;
  bool is_leaving_ = false;  // Linked to a broker that said goodbye: no further requests
  std::int64_t restart_until_ms_ = 0;
  std::uint32_t link_version_ = 0;  // of the last Welcome; 0: none yet
  std::int64_t unlinked_since_ms_;
  std::uint32_t failed_dials_ = 0;
  ipc::LinkDialer dialer_;
  std::unique_ptr<ipc::Link> link_;
  std::unique_ptr<ipc::Link> closing_;  // destroyed at the turn's end
  uv::Timer redial_;
  uv::Timer tick_;
  uv::TurnEndTask flush_;

  proto::EdgeFrame outgoing_;
  proto::BrokerFrame incoming_;  // reused: parsing into it allocates little
  std::string encoded_;
  PendingRequests pending_;
  std::uint64_t last_request_ = 0;
  std::uint64_t control_stream_ = 0;
  std::uint64_t control_applied_ = 0;
  std::uint64_t control_head_ = 0;  // where the broker stood at Welcome
  std::string refusal_;
  BrokerLinkCounters counters_;
};

}  // namespace tako::edge
