// Plays either side of a handoff between edges, frame by frame, as proto/handoff.proto says; knows
// none of the product's code.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/proto_wire.h"
#include "tests/support/wait.h"

namespace tako::test {

// A received message by its fields; the last one of a number wins.
class ProtoFields {
 public:
  explicit ProtoFields(std::string_view text);
  [[nodiscard]] bool has(int field) const { return numbers_.contains(field); }
  [[nodiscard]] std::uint64_t number(int field) const;
  [[nodiscard]] std::string text(int field) const;
  [[nodiscard]] ProtoFields message(int field) const { return ProtoFields(text(field)); }
  [[nodiscard]] std::size_t count(int field) const { return texts_.count(field); }

 private:
  std::map<int, std::uint64_t> numbers_;
  std::multimap<int, std::string> texts_;
};

// Fields of HandoffFrame.
enum class HandoffKind : std::uint8_t {
  Hello = 1,
  Welcome,
  Refused,
  Batch,
  Taken,
  Commit,
  Done,
  Confirmed
};

struct HandoffMessage {
  HandoffKind kind = HandoffKind::Hello;
  std::string body;
  std::vector<int> fds;  // the receiver's to close

  [[nodiscard]] ProtoFields fields() const { return ProtoFields(body); }
};

class HandoffPeer {
 public:
  // Connects to an edge's socket, as its successor.
  [[nodiscard]] static HandoffPeer connect(const std::string& path);
  explicit HandoffPeer(int fd) : fd_(fd) {}
  HandoffPeer(HandoffPeer&& other) noexcept;
  HandoffPeer& operator=(HandoffPeer&&) = delete;
  ~HandoffPeer() { close(); }

  void send(HandoffKind kind, const ProtoMessage& body = {}, const std::vector<int>& fds = {});
  void send_raw(std::string_view bytes);
  // The next frame; nullopt when the other side has hung up. Throws when nothing comes.
  [[nodiscard]] std::optional<HandoffMessage> receive(Duration bound = kPatience);
  // As above, of that kind and nothing else.
  [[nodiscard]] HandoffMessage expect(HandoffKind kind, Duration bound = kPatience);
  // Until it hangs up; false when it does not.
  [[nodiscard]] bool ends(Duration bound = kPatience);
  // Hangs up. Descriptors that came stay the test's.
  void close();

 private:
  [[nodiscard]] bool read_some(Deadline deadline);

  int fd_ = -1;
  std::string received_;
  std::vector<int> received_fds_;
};

// Listens where an edge would; accepts its successor.
class HandoffHost {
 public:
  explicit HandoffHost(const std::string& path);
  ~HandoffHost();
  HandoffHost(const HandoffHost&) = delete;
  HandoffHost& operator=(const HandoffHost&) = delete;
  // The next that says something; one that only looked is passed over.
  [[nodiscard]] HandoffPeer accept(Duration bound = kPatience);

 private:
  int fd_ = -1;
  std::string path_;
};

// {version_min, version_max, program, pid, room for descriptors}
[[nodiscard]] ProtoMessage hello_of(std::uint64_t version_min = 1, std::uint64_t version_max = 1,
                                    std::uint64_t descriptors = 1'000);
[[nodiscard]] ProtoMessage number_of(std::uint64_t number);

void close_all(const std::vector<int>& fds);

}  // namespace tako::test
