// Keeps one link to the broker standing, and translates both ways.
#include "edge/broker_link.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/config/version.h"
#include "common/ipc/link_version.h"
#include "common/limits.h"
#include "edge/link_codec.h"
#include "edge/link_presence_codec.h"

namespace tako::edge {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kRedialFirstMs = 20;  // a restarting broker is back within a few of these
constexpr std::int64_t kRedialMostMs = 1'000;
constexpr std::int64_t kRedialRefusedMs = 5'000;  // of versions that don't meet
constexpr std::int64_t kRedialRestartMs = 100;  // most, while a broker that said goodbye is awaited
constexpr milliseconds kTick{100};
constexpr std::uint32_t kFirstWithPresence = 2;  // of the link's versions
constexpr std::uint32_t kFirstWithBefore = 2;    // likewise

}  // namespace

BrokerLink::BrokerLink(uv::Loop& loop, Random& random, const RuntimeLimits& limits,
                       LimitCounters& counters, const std::string& path, std::string edge_name)
    : loop_(loop),
      random_(random),
      limits_(limits),
      limit_counters_(counters),
      edge_name_(std::move(edge_name)),
      instance_(random.next()),
      unlinked_since_ms_(loop.monotonic_ms()),
      dialer_(loop, path,
              [this](Result<std::unique_ptr<ipc::Link>> link) { on_dialed(std::move(link)); }),
      redial_(loop, [this] { dial(); }),
      tick_(loop, [this] { on_tick(); }),
      flush_(loop, [this] { flush(); }),
      pending_(limits, counters) {}

BrokerLink::~BrokerLink() = default;

void BrokerLink::start(BrokerEvents& events, Listener& listener) {
  events_ = &events;
  listener_ = &listener;
  dial();
}

void BrokerLink::stop() {
  flush();
  redial_.stop();
  tick_.stop();
  link_.reset();
  state_ = State::Waiting;
}

std::int64_t BrokerLink::unlinked_since_ms() const { return is_linked() ? 0 : unlinked_since_ms_; }

void BrokerLink::dial() {
  state_ = State::Dialing;
  dialer_.dial();
}

void BrokerLink::on_dialed(Result<std::unique_ptr<ipc::Link>> link) {
  if (!link) {
    lose("cannot reach the broker: " + std::string(link.error().message()));
    return;
  }
  link_ = std::move(*link);
  link_->start(*this);
  greet();
}

void BrokerLink::greet() {
  state_ = State::Greeting;
  proto::Hello& hello = *queue().mutable_hello();
  hello.set_version_min(ipc::kLinkVersions.min);
  hello.set_version_max(ipc::kLinkVersions.max);
  hello.set_program_version(std::string(config::version()));
  hello.set_edge_name(edge_name_);
  hello.set_instance(instance_);
  hello.set_control_stream(control_stream_);
  hello.set_control_applied(control_applied_);
}

void BrokerLink::lose(const std::string& reason) {
  refusal_.clear();
  const State was = std::exchange(state_, State::Waiting);
  is_leaving_ = false;
  drop_link();
  if (was == State::Linked) {
    ++counters_.links_lost;
    unlinked_since_ms_ = loop_.monotonic_ms();
    pending_.on_link_lost(unlinked_since_ms_);
    events_->on_link_down();
  }
  // Said once per outage, not once per attempt.
  if (was == State::Linked || was == State::Greeting || failed_dials_ == 0) {
    listener_->on_link_state(false, reason);
  }
  const bool is_awaited = loop_.monotonic_ms() < restart_until_ms_;
  redial_after(std::min(is_awaited ? kRedialRestartMs : kRedialMostMs,
                        kRedialFirstMs << std::min<std::uint32_t>(failed_dials_, 8)));
  ++failed_dials_;
}

void BrokerLink::lose_for_version(const std::string& reason) {
  lose(reason);
  refusal_ = reason;
  redial_after(kRedialRefusedMs);
}

void BrokerLink::redial_after(std::int64_t base_ms) {
  const auto jitter = static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(base_ms)));
  redial_.start_once(milliseconds(base_ms / 2 + jitter / 2));
}

void BrokerLink::drop_link() {
  outgoing_.clear_items();
  flush_.cancel();
  if (link_ == nullptr) return;
  closing_ = std::move(link_);  // We may be inside one of its callbacks.
  flush_.schedule();
}

void BrokerLink::on_closed(const Error& error) {
  count_limit(error, limit_counters_);
  if (link_ != nullptr) lose("link lost: " + std::string(error.message()));
}

void BrokerLink::on_frame(std::span<const std::byte> frame) {
  ++counters_.frames_received;
  incoming_.Clear();
  if (!incoming_.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) {
    ++counters_.malformed_frames;
    lose("the broker sent a malformed frame");
    return;
  }
  for (proto::BrokerItem& item : *incoming_.mutable_items()) {
    if (link_ == nullptr) return;  // An item before ended the link.
    apply(item);
  }
}

void BrokerLink::apply(proto::BrokerItem& item) {
  switch (item.item_case()) {
    case proto::BrokerItem::kWelcome:
      return apply_welcome(item.welcome());
    case proto::BrokerItem::kRefused:
      return apply_refusal(item.refused());
    case proto::BrokerItem::kControl:
      apply_control(item.control());
      return;
    case proto::BrokerItem::kSubscribed:
      events_->on_subscribed(item.subscribed().channel(), subscribed_from(item.subscribed()));
      return;
    case proto::BrokerItem::kMessages:
      events_->on_delivery(item.messages().channel(), delivery_from(*item.mutable_messages()));
      return;
    case proto::BrokerItem::kFetchReply:
      pending_.answer_fetch(item.fetch_reply().request(), page_from(*item.mutable_fetch_reply()));
      return;
    case proto::BrokerItem::kPublishReply:
      pending_.answer_publish(item.publish_reply().request(), ack_from(item.publish_reply()));
      return;
    case proto::BrokerItem::kApiReply: {
      proto::ApiReply& reply = *item.mutable_api_reply();
      pending_.answer_api(reply.request(), ApiAnswer{.status = reply.status(),
                                                     .body = std::move(*reply.mutable_body()),
                                                     .retry_after_ms = reply.retry_after_ms()});
      return;
    }
    case proto::BrokerItem::kLeaving:
      return apply_leaving();
    case proto::BrokerItem::kPresenceList:
    case proto::BrokerItem::kPresenceChanges:
    case proto::BrokerItem::kPresenceCounts:
    case proto::BrokerItem::kPresenceRefused:
      events_->on_presence(presence_channel_of(item), presence_news_from(item));
      return;
    case proto::BrokerItem::kWebhookBatch: {
      proto::WebhookBatch& batch = *item.mutable_webhook_batch();
      events_->on_webhook({.lease = batch.lease(),
                           .app = std::move(*batch.mutable_app()),
                           .body = std::move(*batch.mutable_body())});
      return;
    }
    case proto::BrokerItem::ITEM_NOT_SET:
      return;  // A newer broker's item.
  }
}

void BrokerLink::apply_welcome(const proto::Welcome& welcome) {
  const ipc::LinkVersions chosen{.min = welcome.version(), .max = welcome.version()};
  if (!ipc::meet(ipc::kLinkVersions, chosen)) {
    ++counters_.links_refused;
    return lose_for_version(
        ipc::describe_no_meeting({"broker", welcome.program_version(), chosen},
                                 {"edge", config::version(), ipc::kLinkVersions}));
  }
  if (welcome.control_stream() != control_stream_) control_applied_ = 0;
  control_stream_ = welcome.control_stream();
  control_head_ = welcome.control_head();
  link_version_ = welcome.version();
  become_linked_when_current();
}

void BrokerLink::apply_refusal(const proto::Refused& refused) {
  ++counters_.links_refused;
  const std::string reason = "the broker refused this edge: " + refused.reason();
  if (refused.is_version()) return lose_for_version(reason);
  lose(reason);
  refusal_ = reason;
}

void BrokerLink::apply_control(const proto::Control& control) {
  if (control.number() <= control_applied_) return;  // Sent again after a relink.
  if (control.has_definitions()) {
    const proto::Definitions& definitions = control.definitions();
    auto parsed = DefinitionSet::parse(definitions.json(), DefinitionSource::Broker);
    if (!parsed) {
      // The broker checked them; a version far ahead of ours is the only cause.
      lose("definitions of app " + definitions.app() +
           " can't be read: " + std::string(parsed.error().message()));
      return;
    }
    if (const std::string names = (*parsed)->not_understood(); !names.empty()) {
      listener_->on_link_warning("definitions of app " + definitions.app() +
                                 " that a newer broker knows and this edge does not; nobody uses "
                                 "their channels here, upgrade the edge: " +
                                 names);
    }
    events_->on_definitions(definitions.app(), std::move(*parsed));
  }
  std::uint32_t met = 0;
  if (control.has_revocation()) {
    const Revocation revocation = revocation_from(control.revocation());
    // An edge that was never linked has no clients of before, but maybe a predecessor's, which has
    // applied what the broker only has a summary of.
    const bool is_news = has_been_linked_ || !revocation.is_of_everything();
    if (is_news) met = events_->on_revocation(revocation);
  }
  control_applied_ = control.number();
  proto::ControlApplied& applied = *queue().mutable_control_applied();
  applied.set_number(control_applied_);
  applied.set_subscriptions(met);
  become_linked_when_current();
}

void BrokerLink::apply_leaving() {
  if (state_ != State::Linked || is_leaving_) return;
  is_leaving_ = true;
  restart_until_ms_ = loop_.monotonic_ms() + limits_.link_restart_wait_ms;
  pending_.wait_until(restart_until_ms_);
  queue().mutable_leave_seen();  // Behind every request that this broker still gets.
}

void BrokerLink::become_linked_when_current() {
  if (state_ != State::Greeting || control_applied_ < control_head_) return;
  state_ = State::Linked;
  has_been_linked_ = true;
  refusal_.clear();
  failed_dials_ = 0;
  ++counters_.links_made;
  listener_->on_link_state(true, "linked to the broker");
  events_->on_link_up();
  send_waiting();
}

void BrokerLink::send_waiting() {
  if (is_leaving_) return;
  pending_.send_waiting([this](proto::EdgeItem item) { queue() = std::move(item); });
}

proto::EdgeItem& BrokerLink::queue() {
  flush_.schedule();
  return *outgoing_.add_items();
}

void BrokerLink::flush() {
  closing_.reset();
  if (link_ == nullptr || outgoing_.items_size() == 0) return;
  proto::EdgeFrame frame;
  std::size_t bytes = 0;
  for (proto::EdgeItem& item : *outgoing_.mutable_items()) {
    bytes += item.ByteSizeLong();
    frame.add_items()->Swap(&item);
    if (bytes >= limits::kLinkFrameBytesGoal) {  // One item is at most half of what a frame may be.
      send(frame);
      bytes = 0;
    }
  }
  outgoing_.clear_items();
  if (frame.items_size() > 0) send(frame);
  link_->flush();
  bound_backlog();
}

void BrokerLink::bound_backlog() {
  if (link_->pending_bytes() <= limits_.link_backlog_bytes_max) return;
  ++limit_counters_.link_backlog_bytes_max;
  lose("the broker does not read");
}

void BrokerLink::send(proto::EdgeFrame& frame) {
  encoded_.clear();
  frame.AppendToString(&encoded_);
  frame.clear_items();
  link_->send(encoded_);
  ++counters_.frames_sent;
}

void BrokerLink::subscribe(ChannelNumber number, const ChannelIdentity& channel,
                           const std::optional<Cursor>& from) {
  if (is_linked() && !is_leaving_) fill(*queue().mutable_subscribe(), number, channel, from);
}

void BrokerLink::unsubscribe(ChannelNumber number) {
  if (is_linked() && !is_leaving_) queue().mutable_unsubscribe()->set_channel(number);
}

void BrokerLink::occupancy(ChannelNumber number, std::uint32_t subscribers) {
  if (!is_linked() || is_leaving_) return;
  proto::Occupancy& item = *queue().mutable_occupancy();
  item.set_channel(number);
  item.set_subscribers(subscribers);
}

bool BrokerLink::takes_presence() const { return is_linked() && !is_leaving_ && has_presence(); }

bool BrokerLink::has_presence() const { return link_version_ >= kFirstWithPresence; }

void BrokerLink::presence_open(ChannelNumber number, const ChannelIdentity& channel,
                               const PresenceReport& report,
                               const std::optional<PresenceVersion>& has) {
  if (takes_presence()) fill(*queue().mutable_presence_open(), number, channel, report, has);
}

void BrokerLink::presence_close(ChannelNumber number) {
  if (takes_presence()) queue().mutable_presence_close()->set_channel(number);
}

void BrokerLink::presence_session(ChannelNumber number, std::uint64_t session,
                                  const PresenceListing& listing) {
  if (takes_presence()) fill(*queue().mutable_presence_session(), number, session, listing);
}

void BrokerLink::presence_gone(ChannelNumber number, std::uint64_t session, PresenceEnd reason) {
  if (!takes_presence()) return;
  proto::PresenceGone& item = *queue().mutable_presence_gone();
  item.set_channel(number);
  item.set_session(session);
  item.set_reason(static_cast<proto::PresenceGoneReason>(reason));
}

void BrokerLink::webhook_done(std::uint64_t lease, int status, std::string_view error) {
  if (!is_linked() || is_leaving_) return;
  proto::WebhookDone& done = *queue().mutable_webhook_done();
  done.set_lease(lease);
  done.set_status(static_cast<std::uint32_t>(status));
  done.set_error(std::string(error));
}

void BrokerLink::fetch(FetchRequest request, Reply<FetchPage> reply) {
  if (request.with_before && link_version_ != 0 && link_version_ < kFirstWithBefore) {
    // It would leave a message out, and nobody would know.
    loop_.post([reply = std::move(reply)] {
      reply(fail(ErrorCode::NotImplemented, "the broker is too old for _until: upgrade it"));
    });
    return;
  }
  proto::EdgeItem item;
  fill(*item.mutable_fetch(), request);
  item.mutable_fetch()->set_request(++last_request_);
  this->request(std::move(item), true, std::move(reply));
}

void BrokerLink::publish(PublishRequest request, Reply<PublishAck> reply) {
  proto::EdgeItem item;
  fill(*item.mutable_publish(), request);
  item.mutable_publish()->set_request(++last_request_);
  this->request(std::move(item), !request.idempotency_key.empty(), std::move(reply));
}

void BrokerLink::api_call(ApiRequest request, Reply<ApiAnswer> reply) {
  proto::EdgeItem item;
  fill(*item.mutable_api_call(), request);
  item.mutable_api_call()->set_request(++last_request_);
  const bool may_repeat = request.method == "GET" || !request.idempotency_key.empty();
  this->request(std::move(item), may_repeat, std::move(reply));
}

void BrokerLink::request(proto::EdgeItem item, bool may_repeat, PendingRequests::Answer answer) {
  if (!pending_.add(last_request_, std::move(item), may_repeat, loop_.monotonic_ms(), answer)) {
    // Later, as every reply: the caller is not prepared to be called from within its own call.
    loop_.post([answer = std::move(answer)] {
      const Error full{ErrorCode::LimitReached, "too many requests wait for the broker", 1'000};
      std::visit([&full](const auto& reply) { reply(std::unexpected(full)); }, answer);
    });
    return;
  }
  if (!tick_.is_active()) tick_.start_repeating(kTick);
  if (is_linked()) send_waiting();
}

void BrokerLink::on_tick() {
  pending_.expire(loop_.monotonic_ms());
  if (pending_.size() == 0) tick_.stop();
}

}  // namespace tako::edge
