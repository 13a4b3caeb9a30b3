// What a run of members and watchers has seen of presence: the only thing that its checker looks
// at.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace tako::test {

struct SeenMember {
  std::string subject;
  std::string data;  // JSON; empty: none
  friend bool operator==(const SeenMember&, const SeenMember&) = default;
};

struct SeenChange {
  std::string action;  // as on the wire: enter, update, leave
  SeenMember member;
  std::string reason;  // of a leave
};

// What one watcher was told, in its order.
struct PresenceFrame {
  enum class Kind {
    Reconnected,  // with the version of the list that it holds: what follows goes on from there
    List,         // `version`, `members`
    Changes,      // `after`, `version`, `changes`
  };
  Kind kind = Kind::Reconnected;
  std::string after;
  std::string version;
  std::vector<SeenMember> members;
  std::vector<SeenChange> changes;
};

struct WatcherHistory {
  std::string name;  // for reports
  int room = 0;
  bool is_there_at_end = false;  // so its list must be the truth
  std::vector<PresenceFrame> frames;
};

// What a subject did, by its own record.
struct SubjectRecord {
  std::string subject;
  int room = 0;
  int goodbyes = 0;                                 // of its last session
  std::vector<std::chrono::milliseconds> absences;  // without any session, until it was back
  bool is_there_at_end = false;
  std::string data_at_end;
};

struct PresenceHistory {
  std::chrono::milliseconds grace{0};
  std::vector<WatcherHistory> watchers;
  std::vector<SubjectRecord> subjects;
};

}  // namespace tako::test
