// PresenceSubscriber: one client's part in a channel's presence: counted, maybe listed, maybe told.
#pragma once

#include <cstdint>
#include <optional>

#include "edge/fanout/frame_sink.h"
#include "edge/fanout/presence.h"

namespace tako::edge {

class PresenceFeed;

// What a client wants to be told. By the numbers of PresenceRecord.wants (proto/handoff.proto).
enum class PresenceWish : std::uint8_t { Nothing, List, Counts };

struct PresenceJoin {
  WireForm form = WireForm::WsPlain;
  PresenceWish wish = PresenceWish::Nothing;
  std::optional<PresenceVersion> has = {};  // the list that the client holds already
};

// Owned by a session, known to one feed while attached. It may leave within its own callbacks.
class PresenceSubscriber {
 public:
  PresenceSubscriber() = default;
  PresenceSubscriber(const PresenceSubscriber&) = delete;
  PresenceSubscriber& operator=(const PresenceSubscriber&) = delete;
  virtual ~PresenceSubscriber();  // leaves, as one that was lost

  // Asked whenever it is said to the broker, while listed. The views need not outlive the call.
  [[nodiscard]] virtual PresenceListing listing() const = 0;
  // The broker does not list it (PresenceFull, PayloadTooLarge). It is counted and told on.
  virtual void on_presence_refused(const Error& error) = 0;

  // While attached: enters the list, or says that its listing is another now.
  void enter();
  void unlist(PresenceEnd reason);
  void set_wish(PresenceWish wish);
  // Where frames go. Null: nothing is told until there is one again; what was missed comes then.
  void set_sink(FrameSink* sink);
  // There is room again.
  void pump();
  void leave(PresenceEnd reason);

  [[nodiscard]] bool is_attached() const { return feed_ != nullptr; }
  [[nodiscard]] bool is_listed() const { return session_ != 0; }
  [[nodiscard]] PresenceWish wish() const { return wish_; }
  // Of the list as the client has been told it; nullopt: it has none.
  [[nodiscard]] std::optional<PresenceVersion> told() const;

 private:
  friend class PresenceFeed;
  enum class Place : std::uint8_t {
    Silent,  // is told nothing
    Behind,  // has no sink, no room, or waits for the broker's word
    Current  // is told as it comes
  };

  PresenceFeed* feed_ = nullptr;
  FrameSink* sink_ = nullptr;
  std::uint64_t session_ = 0;            // at the broker; 0: not listed
  std::optional<PresenceVersion> told_;  // while Behind
  std::uint32_t index_ = 0;              // in the feed's list
  Place place_ = Place::Silent;
  PresenceWish wish_ = PresenceWish::Nothing;
  WireForm form_ = WireForm::WsPlain;
};

}  // namespace tako::edge
