// Speaks proto/link.proto with one edge; what it asks is served in edge_link_requests.cc.
#include "broker/edge_link.h"

#include <algorithm>
#include <utility>

#include "broker/edge_frames.h"
#include "common/channel_name.h"
#include "common/config/version.h"
#include "common/ipc/link_version.h"
#include "common/limits.h"

namespace tako::broker {
namespace {

constexpr std::size_t kEdgeNameMax = 128;       // bytes; it goes to logs and to metrics
constexpr std::size_t kProgramVersionMax = 64;  // likewise; what is longer is cut

Result<void> check_identity(const ChannelIdentity& channel, const DefinitionsRegistry& definitions,
                            LimitCounters& counters) {
  if (!definitions.has_app(channel.app)) return fail(ErrorCode::AppUnknown);
  const bool is_key = channel.key == channel.name || channel.key.starts_with(channel.name + '?');
  if (!is_channel_name(channel.name) || !is_key) return fail(ErrorCode::BadRequest);
  if (channel.key.size() > limits::kChannelKeyBytesMax) {
    ++counters.channel_key_bytes_max;
    return fail(ErrorCode::ParamsInvalid, "invalid channel params: too long");
  }
  return {};
}

}  // namespace

EdgeLink::EdgeLink(EdgeRegistry& registry, FrameSink& sink)
    : registry_(registry),
      parts_(registry.parts()),
      sink_(sink),
      id_(registry.enter(*this)),
      outbox_(sink, parts_.limits, parts_.limit_counters, registry.counters()),
      channels_(parts_.table, outbox_, sink, registry.counters()),
      presence_(parts_.presence, outbox_, sink) {}

EdgeLink::~EdgeLink() {
  if (is_welcomed()) parts_.log.info("edge gone", {{"edge", edge_name_}});
  leave();
}

void EdgeLink::on_frame(std::span<const std::byte> frame) {
  if (state_ == State::Ended) return;
  ++registry_.counters().frames_in_total;
  registry_.counters().bytes_in_total += frame.size();
  auto decoded = decode_edge_frame(frame);
  if (!decoded) {
    ++registry_.counters().protocol_errors_total;
    end(decoded.error().message());
    return;
  }
  for (proto::EdgeItem& item : *decoded->mutable_items()) {
    if (state_ == State::Ended) return;
    handle(item);
  }
}

void EdgeLink::handle(proto::EdgeItem& item) {
  if (state_ == State::Greeting && !item.has_hello()) {
    ++registry_.counters().protocol_errors_total;
    end("an edge says hello first");
    return;
  }
  switch (item.item_case()) {
    case proto::EdgeItem::kHello:
      return greet(item.hello());
    case proto::EdgeItem::kSubscribe:
      return subscribe(item.subscribe());
    case proto::EdgeItem::kUnsubscribe:
      return channels_.unsubscribe(item.unsubscribe().channel());
    case proto::EdgeItem::kFetch:
      return fetch(*item.mutable_fetch());
    case proto::EdgeItem::kPublish:
      return publish(*item.mutable_publish());
    case proto::EdgeItem::kApiCall:
      return call_api(*item.mutable_api_call());
    case proto::EdgeItem::kOccupancy:
      return channels_.occupancy(item.occupancy().channel(), item.occupancy().subscribers());
    case proto::EdgeItem::kControlApplied:
      return apply_control(item.control_applied());
    case proto::EdgeItem::kWebhookDone:
      return parts_.webhooks.on_done(*this, item.webhook_done().lease(),
                                     item.webhook_done().status());
    case proto::EdgeItem::kLeaveSeen:
      is_left_ = true;
      return sink_.schedule_flush();
    case proto::EdgeItem::kPresenceOpen:
      return open_presence(item.presence_open());
    case proto::EdgeItem::kPresenceClose:
      return presence_.close(item.presence_close().channel());
    case proto::EdgeItem::kPresenceSession:
      return say_presence(*item.mutable_presence_session());
    case proto::EdgeItem::kPresenceGone:
      return presence_.gone(item.presence_gone());
    case proto::EdgeItem::ITEM_NOT_SET:
      return;  // of a newer edge
  }
}

void EdgeLink::greet(const proto::Hello& hello) {
  if (state_ != State::Greeting) {
    ++registry_.counters().protocol_errors_total;
    return end("a second hello");
  }
  if (hello.edge_name().empty() || hello.edge_name().size() > kEdgeNameMax) {
    return refuse("an edge has a name of 1 to 128 bytes");
  }
  edge_name_ = hello.edge_name();
  const std::string program = hello.program_version().substr(0, kProgramVersionMax);
  const ipc::LinkVersions theirs{.min = hello.version_min(), .max = hello.version_max()};
  const auto version = ipc::meet(ipc::kLinkVersions, theirs);
  if (!version) {
    return refuse(ipc::describe_no_meeting({"broker", config::version(), ipc::kLinkVersions},
                                           {"edge", program, theirs}),
                  Refusal::Version);
  }
  if (EdgeLink* older = registry_.find_instance(hello.instance())) {
    older->end("the same edge has linked again");
  }
  if (registry_.edges() >= parts_.limits.link_edges_max) {
    ++parts_.limit_counters.link_edges_max;
    return refuse("too many edges are linked");
  }
  welcome(hello, *version);
}

void EdgeLink::welcome(const proto::Hello& hello, std::uint32_t version) {
  state_ = State::Linked;
  instance_ = hello.instance();
  version_ = version;
  ControlStream& control = parts_.control;
  control_applied_ = control.start_of(hello.control_stream(), hello.control_applied());
  proto::BrokerItem item;
  item.mutable_welcome()->set_version(version);
  item.mutable_welcome()->set_program_version(std::string(config::version()));
  item.mutable_welcome()->set_control_stream(control.id());
  // With nothing to apply it need not wait for anything.
  const bool is_current = control.next_after(control_applied_) == nullptr;
  item.mutable_welcome()->set_control_head(is_current ? 0 : control.head());
  reply(item);
  control_sent_ = control_applied_;
  control.add(*this);
  if (takes_revocations()) parts_.webhooks.add(*this);
  parts_.log.info("edge linked",
                  {{"edge", edge_name_},
                   {"link_version", version},
                   {"edge_version", hello.program_version().substr(0, kProgramVersionMax)}});
}

void EdgeLink::refuse(std::string_view reason, Refusal refusal) {
  ++registry_.counters().refused_total;
  proto::BrokerItem item;
  item.mutable_refused()->set_is_version(refusal == Refusal::Version);
  item.mutable_refused()->set_reason(std::string(reason));
  reply(item);
  outbox_.send_frame();
  end(reason);
}

void EdgeLink::subscribe(const proto::Subscribe& subscribe) {
  if (channels_.contains(subscribe.channel())) {
    ++registry_.counters().protocol_errors_total;
    return end("a channel number is in use");
  }
  proto::BrokerItem item;
  proto::Subscribed& subscribed = *item.mutable_subscribed();
  subscribed.set_channel(subscribe.channel());
  const auto refuse_it = [&](ErrorCode code) {
    subscribed.set_error(static_cast<std::uint32_t>(code));
    reply(item);
  };
  const ChannelIdentity identity{.app = subscribe.app(),
                                 .name = subscribe.name(),
                                 .key = subscribe.key(),
                                 .params_json = subscribe.params_json()};
  const auto checked = check_identity(identity, parts_.definitions, parts_.limit_counters);
  if (!checked) return refuse_it(checked.error().code);
  if (channels_.size() >= parts_.limits.feeds_max) {
    ++parts_.limit_counters.feeds_max;
    return refuse_it(ErrorCode::LimitReached);
  }
  std::optional<Cursor> from;
  if (subscribe.has_from()) {
    const auto decoded = decode_cursor(subscribe.from());
    if (!decoded) return refuse_it(decoded.error().code);
    from = *decoded;
  }
  const Subscription& made = channels_.subscribe(subscribe.channel(), identity, from);
  *subscribed.mutable_window() = encode_window(made.window());
  subscribed.set_starts_after(made.start().after);
  subscribed.set_gap(made.start().gap);
  if (made.start().gap) {
    subscribed.set_gap_reason(static_cast<std::uint32_t>(made.start().reason));
  }
  reply(item);
}

void EdgeLink::open_presence(const proto::PresenceOpen& open) {
  if (!presence_.contains(open.channel())) {
    const ChannelIdentity identity{.app = open.app(),
                                   .name = open.name(),
                                   .key = open.key(),
                                   .params_json = open.params_json()};
    // Nobody asked a question: its sessions will be told that there is no presence.
    if (!check_identity(identity, parts_.definitions, parts_.limit_counters)) return;
    if (presence_.size() >= parts_.limits.feeds_max) {
      ++parts_.limit_counters.feeds_max;
      return end("the edge has clients on too many channels (feeds_max)");
    }
  }
  presence_.open(open);
}

void EdgeLink::say_presence(proto::PresenceSession& session) {
  auto refused = presence_.say(session);
  if (!refused) return;
  proto::BrokerItem item;
  *item.mutable_presence_refused() = std::move(*refused);
  reply(item);
}

void EdgeLink::apply_control(const proto::ControlApplied& applied) {
  control_applied_ = std::max(control_applied_, std::min(applied.number(), parts_.control.head()));
  parts_.control.on_applied(*this, applied.subscriptions());
}

void EdgeLink::post(const WebhookLease& lease) {
  proto::BrokerItem item;
  proto::WebhookBatch& batch = *item.mutable_webhook_batch();
  batch.set_lease(lease.number);
  batch.set_app(lease.app);
  batch.set_body(lease.body);
  reply(item);
}

void EdgeLink::pump_control() {
  while (state_ == State::Linked && outbox_.has_room() && !outbox_.has_waiting_control()) {
    const ControlItem* change = parts_.control.next_after(control_sent_);
    if (change == nullptr) return;
    control_sent_ = change->number;
    proto::BrokerItem item;
    *item.mutable_control() = encode_control(*change);
    outbox_.add(encode_item(item));
  }
}

void EdgeLink::reply(const proto::BrokerItem& item) {
  if (state_ == State::Ended) return;
  const std::string encoded = encode_item(item);
  if (!outbox_.add_control(encoded)) end("the edge does not read its answers");
}

void EdgeLink::flush() {
  if (state_ == State::Ended) return;
  outbox_.move_control();
  pump_control();
  const auto can_fetch = [this] { return !fetches_.empty() && !is_fetching_; };
  while (outbox_.has_room() &&
         (!calls_.empty() || can_fetch() || channels_.has_dirty() || presence_.has_dirty())) {
    if (!calls_.empty()) {
      serve_call();
      pump_control();  // A call may have made a change, which waits for this very edge.
    }
    if (can_fetch() && outbox_.has_room()) serve_fetch();
    if (channels_.has_dirty() && outbox_.has_room()) channels_.pump_one();
    if (presence_.has_dirty() && outbox_.has_room()) presence_.pump_one();
    if (state_ == State::Ended) return;
  }
  waits_for_room_ = !outbox_.has_room();
  if (waits_for_room_) ++parts_.limit_counters.link_outbox_bytes_max;
  outbox_.send_frame();
  if (is_left_ && is_all_answered()) {
    leave();
    sink_.close("the broker ends");
  }
}

void EdgeLink::say_goodbye() {
  if (state_ == State::Greeting) return end("the broker ends");
  proto::BrokerItem item;
  item.mutable_leaving();
  reply(item);
  sink_.schedule_flush();
}

bool EdgeLink::is_all_answered() const {
  return requests_ == 0 && calls_.empty() && fetches_.empty() && !is_fetching_ &&
         !outbox_.has_waiting_control();
}

void EdgeLink::end(std::string_view reason) {
  if (state_ == State::Ended) return;
  parts_.log.warn("link ended", {{"edge", edge_name_}, {"reason", reason}});
  leave();
  sink_.close(reason);
}

void EdgeLink::leave() {
  if (state_ == State::Linked) {
    parts_.control.remove(*this);
    parts_.webhooks.remove(*this);
  }
  state_ = State::Ended;
  channels_.clear();
  presence_.clear();
  calls_.clear();
  fetches_.clear();
  registry_.leave(id_);
}

}  // namespace tako::broker
