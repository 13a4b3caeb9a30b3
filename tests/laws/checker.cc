// Walks every subscription's history, then compares them with each other and with the publishers'.
#include "tests/laws/checker.h"

#include <map>
#include <optional>
#include <tuple>
#include <unordered_set>

namespace tako::test {
namespace {

class Judge {
 public:
  Judge(const History& history, std::size_t violations_max)
      : history_(history), violations_max_(violations_max) {}

  std::vector<Violation> judge() {
    for (const PublishedMessage& message : history_.published) {
      known_.insert(message.number);
      judge_publish(message);
    }
    for (const SubscriptionHistory& subscription : history_.subscriptions) walk(subscription);
    return std::move(violations_);
  }

 private:
  using Place = std::tuple<std::uint16_t, std::uint64_t, std::uint64_t>;  // channel, epoch, offset

  void report(int law, std::string text) {
    if (violations_.size() < violations_max_) violations_.push_back({law, std::move(text)});
  }

  void judge_publish(const PublishedMessage& message) {
    if (!message.is_acknowledged) return;
    place(message.channel, message.position, message.number, "a publisher");
    if (!history_.is_durable || history_.heads.empty()) return;
    const SeenPosition& head = history_.heads.at(message.channel);
    if (message.position.offset <= head.offset) return;
    report(4, "message " + std::to_string(message.number) + " was acknowledged at " +
                  print_position(message.position) + ", but the channel ends at " +
                  print_position(head));
  }

  // What tells two histories of a channel apart.
  [[nodiscard]] std::uint64_t era(const SeenPosition& position) const {
    return history_.is_durable ? 0 : position.epoch;
  }

  // One number per position, one position per number and epoch.
  void place(std::uint16_t channel, const SeenPosition& position, std::uint32_t number,
             const std::string& who) {
    const auto [at, is_new] =
        number_at_.try_emplace(Place{channel, era(position), position.offset}, number);
    if (!is_new && at->second != number) {
      report(6, who + ": " + print_position(position) + " of channel " + std::to_string(channel) +
                    " is message " + std::to_string(number) + " here and " +
                    std::to_string(at->second) + " elsewhere");
    }
    const auto [seen, is_first] = offset_of_.try_emplace({number, era(position)}, position.offset);
    if (!is_first && seen->second != position.offset) {
      report(5, who + ": message " + std::to_string(number) + " was stored twice, at " +
                    std::to_string(seen->second) + " and at " + std::to_string(position.offset));
    }
  }

  void walk(const SubscriptionHistory& subscription) {
    std::optional<SeenPosition> last;
    std::optional<std::uint32_t> revoked_from;
    for (const SeenEvent& event : subscription.events) {
      switch (event.kind) {
        case SeenEvent::Kind::Opened:
          revoked_from.reset();
          break;
        case SeenEvent::Kind::Revoked:
          revoked_from = event.number;
          break;
        case SeenEvent::Kind::Fresh:
        case SeenEvent::Kind::Gap:
          last = event.has_position ? std::optional(event.position) : std::nullopt;
          break;
        case SeenEvent::Kind::Resumed:
          judge_resume(subscription, last, event);
          break;
        case SeenEvent::Kind::Message:
          judge_message(subscription, last, event);
          if (revoked_from && event.number >= *revoked_from) {
            report(6, subscription.name + ": " + print_position(event.position) +
                          " came after the permission was taken back");
          }
          last = event.position;
          break;
      }
    }
    judge_end(subscription, last);
  }

  void judge_resume(const SubscriptionHistory& subscription,
                    const std::optional<SeenPosition>& last, const SeenEvent& event) {
    if (!last.has_value() || !event.has_position || event.position == *last) return;
    report(2, subscription.name + ": resumed at " + print_position(*last) +
                  " but the server goes on at " + print_position(event.position));
  }

  void judge_message(const SubscriptionHistory& subscription,
                     const std::optional<SeenPosition>& last, const SeenEvent& event) {
    const std::string at = subscription.name + ": " + print_position(event.position);
    if (!subscription.is_authorized) report(6, at + " reached an unauthorized client");
    if (event.payload_channel != subscription.channel) {
      report(6, at + " belongs to channel " + std::to_string(event.payload_channel));
    }
    if (history_.knows_all_published && !known_.contains(event.number)) {
      report(4, at + " is message " + std::to_string(event.number) +
                    ", which no publisher was told of");
    }
    place(subscription.channel, event.position, event.number, subscription.name);
    if (!last.has_value()) return;
    const std::string after = " after " + print_position(*last);
    if (era(event.position) != era(*last)) {
      report(2, at + after + ": the epoch changed and no gap was told");
    } else if (event.position.offset == last->offset) {
      report(3, at + after + ": twice");
    } else if (event.position.offset < last->offset) {
      report(1, at + after + ": offsets fell");
    } else if (event.position.offset > last->offset + 1) {
      report(2, at + after + ": a silent gap");
    }
  }

  void judge_end(const SubscriptionHistory& subscription, const std::optional<SeenPosition>& last) {
    if (!subscription.is_authorized || history_.heads.empty()) return;
    const SeenPosition& head = history_.heads.at(subscription.channel);
    if (last.has_value() && *last == head) return;
    report(2, subscription.name + ": ended at " +
                  (last.has_value() ? print_position(*last) : std::string("nothing")) +
                  ", the channel at " + print_position(head));
  }

  const History& history_;
  std::size_t violations_max_;
  std::vector<Violation> violations_;
  std::unordered_set<std::uint32_t> known_;  // of publishers
  std::map<Place, std::uint32_t> number_at_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t> offset_of_;
};

}  // namespace

SeenPosition parse_position(std::string_view id) {
  SeenPosition position;
  std::size_t at = 0;
  for (; at < id.size() && id[at] != '-'; ++at) {
    position.offset = position.offset * 10 + static_cast<std::uint64_t>(id[at] - '0');
  }
  for (++at; at < id.size(); ++at) {
    position.epoch = position.epoch << 8U | static_cast<unsigned char>(id[at]);
  }
  return position;
}

std::string print_position(const SeenPosition& position) {
  std::string text = std::to_string(position.offset) + '-';
  for (int shift = 56; shift >= 0; shift -= 8) {
    text += static_cast<char>(position.epoch >> static_cast<unsigned>(shift) & 0xffU);
  }
  return text;
}

std::vector<Violation> check_laws(const History& history, std::size_t violations_max) {
  return Judge(history, violations_max).judge();
}

}  // namespace tako::test
