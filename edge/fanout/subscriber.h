// Subscriber: a cursor in one channel and where its messages go; what the fan-out tells of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/definition.h"
#include "common/position.h"
#include "common/result.h"
#include "edge/fanout/frame_sink.h"
#include "edge/fanout/message.h"
#include "edge/fanout/revocation.h"
#include "edge/fanout/rewind.h"

namespace tako::edge {

class Feed;

// What a subscriber can't have any more: everything behind `from` up to and with `to`.
struct Gap {
  Position from;  // the last position it had
  Position to;    // it goes on behind this one
  GapReason reason = GapReason::WindowPassed;
};

// The subscription stands. What comes behind `at` follows, unless there is a `gap`: then what comes
// behind `gap->to`.
struct Start {
  Position at;           // the client's own cursor, or the head or its rewind when it has none
  bool resumed = false;  // a cursor was given, and nothing is missing
  std::optional<Gap> gap;
};

// What a session wants of a channel.
struct Join {
  std::optional<Cursor> cursor = {};  // absent: new messages only, or
  Rewind rewind = {};                 // what came before them
  WireForm form = WireForm::WsPlain;
  SlowPolicy slow = SlowPolicy::Resume;
  bool is_public = false;  // served on when the link has been away for limits::kLinkLostServeMs
  // Handed over by another edge, whose feed stood here: the cursor is a position of this epoch, and
  // this edge may be behind it.
  std::optional<Position> handed_head = {};
};

// Owned by a session, known to one feed while attached. It may leave within its own callbacks. It
// may be destroyed within on_started, but not within the others.
class Subscriber {
 public:
  Subscriber() = default;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  virtual ~Subscriber();  // leaves

  // Once, maybe from within ChannelHub::join. Frames flow when a sink is set: before, in here, or
  // later with a call of pump().
  virtual void on_started(const Start& start) = 0;
  // While live: a part of the history can't be given. It goes on, unless the subscriber leaves.
  virtual void on_gap(const Gap& gap) = 0;
  // The hub has let go of it: refused, too slow, or no longer served.
  virtual void on_ended(const Error& error) = 0;
  // Is a permission of it taken back? Then it has left, or is paused; true: it is met.
  [[nodiscard]] virtual bool on_revoked(const Revocation& /*revocation*/) { return false; }
  // Does this client's connection bear that id? Then its own message is passed over (echo:false)
  // and on_own_passed tells where it would have stood; both only for messages that name one.
  [[nodiscard]] virtual bool is_connection(std::string_view /*id*/) const { return false; }
  virtual void on_own_passed(std::uint64_t /*offset*/) {}

  void set_sink(FrameSink* sink) { sink_ = sink; }
  void set_slow_policy(SlowPolicy policy) { slow_ = policy; }
  // There is room again, or a sink: sends what follows the cursor.
  void pump();
  // Takes the sink away and gives it back: what comes from now on waits behind the cursor. Null
  // when there was none.
  FrameSink* pause();
  // After pause(); what waited is caught up with, not slow.
  void resume(FrameSink& sink);
  // Nothing more is delivered or told.
  void leave();
  [[nodiscard]] bool is_attached() const { return feed_ != nullptr; }
  // While attached.
  [[nodiscard]] const ChannelIdentity& channel() const;
  // The last position passed on to the sink; valid once started.
  [[nodiscard]] Position position() const;
  // Where the channel's feed stands, for whoever goes on elsewhere; not before position().
  [[nodiscard]] Position feed_head() const;

 private:
  friend class Feed;
  enum class Place : std::uint8_t {
    None,     // not in a feed
    Joining,  // waits for the broker's word on the channel
    Asking,   // the broker is asked whether it can go on at its cursor
    Behind,   // has a cursor; what follows is pumped when there is room
    Live      // at the head with room
  };

  Feed* feed_ = nullptr;
  FrameSink* sink_ = nullptr;
  std::optional<Cursor> asked_;  // until started
  std::uint64_t cursor_ = 0;     // while Behind: last offset sent
  std::uint64_t replay_to_ = 0;  // up to here it catches up, and is not slow
  std::int64_t joined_ms_ = 0;
  // Without a cursor, until started: the newest so many, or (not 0) those since this wall time.
  std::int64_t rewind_messages_ = 0;
  std::int64_t rewind_since_ms_ = 0;
  std::uint32_t index_ = 0;  // in the feed's list
  Place place_ = Place::None;
  WireForm form_ = WireForm::WsPlain;
  SlowPolicy slow_ = SlowPolicy::Resume;
  bool is_public_ = false;
  bool is_rewinding_ = false;  // until started; what is gone by then is no gap
};

}  // namespace tako::edge
