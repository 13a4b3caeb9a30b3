// One end of the link (proto/link.proto), played by a test: an edge or a broker of another version.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/proto_wire.h"
#include "tests/support/socket.h"

namespace tako::test {

// What an edge says, and a broker: the numbers of EdgeItem and BrokerItem.
enum class EdgeSays : std::uint32_t { Hello = 1, Subscribe = 2, Publish = 5, ControlApplied = 8 };
enum class BrokerSays : std::uint32_t {
  Welcome = 1,
  Refused = 2,
  Subscribed = 3,
  Messages = 4,
  Control = 8
};

struct LinkItem {
  std::uint32_t kind = 0;
  std::vector<ProtoField> fields;

  [[nodiscard]] bool is(EdgeSays wanted) const { return kind == std::uint32_t(wanted); }
  [[nodiscard]] bool is(BrokerSays wanted) const { return kind == std::uint32_t(wanted); }
  // 0, or empty, when the field is not there.
  [[nodiscard]] std::uint64_t number(std::uint32_t field) const;
  [[nodiscard]] std::string bytes(std::uint32_t field) const;
};

class LinkPeer {
 public:
  explicit LinkPeer(Socket socket) : socket_(std::move(socket)) {}
  // As an edge, to the broker's link socket.
  [[nodiscard]] static LinkPeer dial(const std::string& path) {
    return LinkPeer(Socket::connect("unix:" + path));
  }

  // One frame with one item; `kind` may be one that nobody knows.
  void say(std::uint32_t kind, const ProtoMessage& item);
  void say(EdgeSays kind, const ProtoMessage& item) { say(std::uint32_t(kind), item); }
  void say(BrokerSays kind, const ProtoMessage& item) { say(std::uint32_t(kind), item); }
  // A frame as given.
  void send_frame(const ProtoMessage& frame);

  // The next item; throws when none comes, or the peer hangs up before.
  [[nodiscard]] LinkItem next();
  // The next one of this kind; what comes before is dropped.
  template <typename Kind>
  [[nodiscard]] LinkItem next(Kind kind) {
    for (;;) {
      if (LinkItem item = next(); item.is(kind)) return item;
    }
  }
  [[nodiscard]] bool closed_by_peer() { return socket_.closed_by_peer(); }

 private:
  // The bytes of the next frame.
  [[nodiscard]] std::string read_frame();

  Socket socket_;
  std::string unread_;
  std::deque<LinkItem> items_;
};

}  // namespace tako::test
