// Subscription: a reader's cursor on a channel; pulls what comes after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "broker/channel/channel_table.h"
#include "common/position.h"

namespace tako::broker {

// What pull() gives: a dense run behind what it gave before, or a gap and where it goes on.
struct Pulled {
  // Loading: the run is being read from disk; the sink is told when it is there. NeedsLoad: it
  // would have to be, and the caller said that it may not.
  enum class State : std::uint8_t { Read, Loading, NeedsLoad };
  State state = State::Read;
  std::vector<MessagePtr> messages;
  std::optional<ReplayWindow> window;  // when the epoch changed, or with a gap
  std::optional<GapReason> gap;        // the cursor could not go on; it stands at the head now
  bool more = false;                   // pull again
};

// Keeps the channel alive, and its sink informed, until destroyed. Stores nothing: a channel that
// was only subscribed to leaves no trace.
class Subscription {
 public:
  // `from`: where the reader stands; nullopt: at the head. `sink` outlives the subscription.
  Subscription(ChannelTable& table, const ChannelIdentity& identity, Sink& sink,
               const std::optional<Cursor>& from, std::size_t subscribers = 1);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  [[nodiscard]] const Channel& channel() const { return channel_; }
  // How `from` was judged (resume_at), and the window at that moment.
  [[nodiscard]] const Resume& start() const { return start_; }
  [[nodiscard]] ReplayWindow window() const { return table_.window(channel_); }
  // The last offset that was given.
  [[nodiscard]] std::uint64_t after() const { return after_.offset; }
  [[nodiscard]] bool is_at_head() const;

  // The next run, about `bytes_max` of records: one message or whole batch is always given.
  [[nodiscard]] Pulled pull(std::size_t bytes_max, bool may_load = true);
  // How many clients stand behind this reader.
  void set_subscribers(std::size_t count);

 private:
  [[nodiscard]] std::optional<std::vector<MessagePtr>> read(std::size_t bytes_max, bool may_load);
  void load(std::size_t bytes_max);

  ChannelTable& table_;
  Channel& channel_;
  Sink& sink_;
  std::size_t subscribers_;
  Resume start_;
  Position after_;
  bool is_loading_ = false;
  std::optional<std::vector<MessagePtr>> loaded_;  // to be given by the next pull()
  std::shared_ptr<bool> is_alive_;                 // for a load that is still under way
};

}  // namespace tako::broker
