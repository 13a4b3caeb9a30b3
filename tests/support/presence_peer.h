// An edge with clients that are listed, played by a test: says who is there, and keeps the list
// that it is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/link_peer.h"

namespace tako::test {

// As link.proto numbers them.
enum class Departure : std::uint64_t { Lost = 0, Left = 1, Expired = 2, Revoked = 3 };

// One channel, number 1 of the link.
class PresencePeer {
 public:
  // Links, and is welcomed. `instance` names the edge process.
  PresencePeer(const std::string& link_path, std::uint64_t instance);

  // Watches a channel of the app `default`, by name. With `has` it goes on from the list of an
  // earlier broker or link.
  struct Version {
    std::uint64_t number = 0;
    std::uint64_t epoch = 0;
  };
  void open(std::string_view name, std::uint64_t connections, const Version* has = nullptr);
  void enter(std::uint64_t session, std::string_view subject, std::string_view data = {});
  // Sessions 1 … count, each a subject of its own, in one frame.
  void enter_many(std::uint64_t count, std::string_view data);
  void leave(std::uint64_t session, Departure how);

  // The next thing that is told of presence: "list", or of changes "+ann ", "*ann ", "-ann:lost ",
  // one behind the other; "refused". Checks that changes apply to the version that is held.
  std::string next();
  // Until this was told, by whatever comes; throws when it does not come.
  void wait_for(std::string_view wanted);
  // Until it is on the list, told by itself or with all others.
  void wait_for_member(const std::string& subject);
  [[nodiscard]] const Version& version() const { return version_; }
  // Subject → data.
  [[nodiscard]] const std::map<std::string, std::string>& members() const { return members_; }

 private:
  static ProtoMessage session(std::uint64_t number, std::string_view subject,
                              std::string_view data);
  void take_member(const std::string& wire);
  std::string take_list(const LinkItem& item);
  std::string take_changes(const LinkItem& item);

  LinkPeer link_;
  Version version_;
  std::map<std::string, std::string> members_;
};

}  // namespace tako::test
