// The bounds of a handoff, on the side of the running edge.
#include <doctest/doctest.h>

#include "tests/behaviour/limits_fixture.h"
#include "tests/support/handoff_peer.h"

using namespace tako::test;

TEST_CASE("handoff_step_ms") {
  Cluster tako(with_limits({"handoff_step_ms=100"}));
  Bystander bystander(tako);
  HandoffPeer silent = HandoffPeer::connect(tako.folder().file("edge0.handoff"));
  CHECK(silent.ends());
  CHECK(edge_hits(tako, "handoff_step_ms") == 1);
  HandoffPeer stuck = HandoffPeer::connect(tako.folder().file("edge0.handoff"));
  stuck.send(HandoffKind::Hello, hello_of());
  CHECK(stuck.ends());
  CHECK(edge_hits(tako, "handoff_step_ms") == 2);
  bystander.check_unharmed();
}

TEST_CASE("handoff_frame_bytes_max") {
  Cluster tako(with_limits({"handoff_frame_bytes_max=65536"}));
  Bystander bystander(tako);
  HandoffPeer loud = HandoffPeer::connect(tako.folder().file("edge0.handoff"));
  loud.send_raw(std::string("\0\1\0\1\0\0\0\0", 8));
  CHECK(loud.ends());
  CHECK(edge_hits(tako, "handoff_frame_bytes_max") == 1);
  bystander.check_unharmed();

  // A client that has not read more than a frame holds stays, and is drained.
  WsClient slow(tako.edge(), channel_path("wire"), {.receive_buffer = 4096});
  WsClient quick(tako.edge(), channel_path("wire"));
  settle(quick);
  const std::string large = json_string(std::string(60'000, 'x'));
  for (int number = 0; number < 40; ++number) tako.publish("wire", "t", large);
  for (int number = 0; number < 40; ++number) static_cast<void>(quick.next_json());
  HandoffPeer peer = HandoffPeer::connect(tako.folder().file("edge0.handoff"));
  peer.send(HandoffKind::Hello, hello_of());
  static_cast<void>(peer.expect(HandoffKind::Welcome));
  const HandoffMessage listeners = peer.expect(HandoffKind::Batch);
  peer.send(HandoffKind::Taken, number_of(1));
  static_cast<void>(peer.expect(HandoffKind::Commit));
  const HandoffMessage clients = peer.expect(HandoffKind::Batch);
  CHECK(clients.fields().count(3) == 1);  // quick
  CHECK(clients.fds.size() == 1);
  peer.close();
  CHECK(edge_hits(tako, "handoff_frame_bytes_max") == 2);
  close_all(listeners.fds);
  close_all(clients.fds);
  bystander.check_unharmed();
}
