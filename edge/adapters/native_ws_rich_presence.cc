// Presence in the rich dialect: what a client says of itself, and what it is answered.
#include <utility>

#include "edge/adapters/native_ws_rich.h"
#include "edge/adapters/presence_options.h"
#include "edge/adapters/rich_frames.h"

namespace tako::edge {
namespace {

Result<void> obey(const Subscription& subscription, PresenceCommand command) {
  if (command.data) {
    auto checked = check_presence_data(subscription.definition(), *command.data);
    if (!checked) return checked;
  }
  PresenceSession* presence = subscription.presence();
  if (presence == nullptr) return fail(ErrorCode::PresenceOff);
  switch (command.action) {
    case PresenceCommand::Action::Enter:
      return presence->say_enter(std::move(command.data));
    case PresenceCommand::Action::Update:
      return presence->say_update(*std::move(command.data));
    case PresenceCommand::Action::Leave:
      break;
  }
  return presence->say_leave();
}

}  // namespace

// The acknowledgement says that it is under way; that the channel is full is told when it is.
void NativeWsRich::on_presence(const ClientFrame& frame, std::string_view text) {
  const std::string ref = ref_of(frame);
  const std::string said_key = text_member(frame.members, "key").value_or("");
  RichChannel* channel = target_of(said_key);
  if (channel == nullptr) return send_error(Error{ErrorCode::SubscriptionUnknown}, ref, said_key);
  const Subscription& subscription = channel->subscription;
  if (!subscription.is_live()) {
    if (channel->is_first) return hold(text);
    return send_error(Error{ErrorCode::SubscriptionUnknown, "not subscribed yet", 0}, ref,
                      said_key);
  }
  if (const auto rated = publisher().take_rate(subscription); !rated) {
    return refuse_frame(rated.error(), ref, subscription.key());
  }
  auto command = parse_presence_command(data_of(frame));
  if (!command) return send_error(command.error(), ref, subscription.key());
  const auto done = obey(subscription, *std::move(command));
  if (!done) {
    count_limit(done.error(), services().limit_counters);
    send_error(done.error(), ref, subscription.key());
  } else if (!ref.empty()) {
    connection().send_control(rich::ack(ref, {}, subscription.key()));
  }
}

std::optional<PresenceWish> NativeWsRich::presence_told(const RichChannel& channel) {
  if (!channel.asks_presence) return std::nullopt;
  const PresenceSession* presence = channel.subscription.presence();
  return presence == nullptr ? PresenceWish::Nothing : presence->told_as();
}

void NativeWsRich::on_presence_refused(Subscription& subscription, const Error& error) {
  send_error(error, {}, subscription.key());
}

}  // namespace tako::edge
