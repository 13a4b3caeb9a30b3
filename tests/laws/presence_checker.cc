// Applies frames by their versions, and compares.
#include "tests/laws/presence_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace tako::test {
namespace {

using List = std::map<std::string, std::string>;                 // subject -> data
using Leaves = std::map<std::string, std::vector<std::string>>;  // reasons, by subject

std::string print(const List& list) {
  std::string text;
  for (const auto& [subject, data] : list) text += subject + '=' + data + ' ';
  return text.empty() ? "(nobody)" : text;
}

std::string print(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

class Checker {
 public:
  Checker(const PresenceHistory& history, std::size_t faults_max)
      : history_(history), faults_max_(faults_max) {
    for (const SubjectRecord& subject : history.subjects) {
      if (subject.is_there_at_end) truth_[subject.room][subject.subject] = subject.data_at_end;
    }
  }

  std::vector<std::string> run() {
    for (const WatcherHistory& watcher : history_.watchers) check(watcher);
    return std::move(faults_);
  }

 private:
  void check(const WatcherHistory& watcher) {
    watcher_ = &watcher;
    held_.reset();
    list_.clear();
    Leaves leaves;
    for (const PresenceFrame& frame : watcher.frames) apply(frame, leaves);
    check_leaves(watcher, leaves);
    if (!watcher.is_there_at_end) return;
    if (list_ != truth_[watcher.room]) {
      fault("ends with " + print(list_) + "where the truth is " + print(truth_[watcher.room]));
    }
  }

  void apply(const PresenceFrame& frame, Leaves& leaves) {
    switch (frame.kind) {
      case PresenceFrame::Kind::Reconnected:
        return;  // The list stays; a frame that does not fit tells.
      case PresenceFrame::Kind::List:
        list_.clear();
        for (const SeenMember& member : frame.members) {
          if (!list_.emplace(member.subject, member.data).second) {
            fault("version " + frame.version + " lists " + member.subject + " twice");
          }
        }
        break;
      case PresenceFrame::Kind::Changes:
        if (held_ != frame.after) {
          fault("was told what follows " + frame.after + ", and holds " +
                held_.value_or("no list"));
        }
        for (const SeenChange& change : frame.changes) apply(change, frame, leaves);
        break;
    }
    held_ = frame.version;
    compare(frame.version);
  }

  void apply(const SeenChange& change, const PresenceFrame& frame, Leaves& leaves) {
    const std::string& subject = change.member.subject;
    const bool is_listed = list_.contains(subject);
    if ((change.action == "enter") == is_listed) {
      fault("version " + frame.version + ": " + subject + " is told to " + change.action +
            (is_listed ? ", and is present" : ", and is absent"));
    }
    if (change.action == "leave") {
      list_.erase(subject);
      leaves[subject].push_back(change.reason + '@' + frame.version);
    } else {
      list_[subject] = change.member.data;
    }
  }

  // What others had at this version of the same room.
  void compare(const std::string& version) {
    const auto [known, is_new] = by_version_.try_emplace({watcher_->room, version}, list_);
    if (is_new || known->second == list_) return;
    fault("version " + version + " is " + print(list_) + "here and " + print(known->second) +
          "elsewhere");
  }

  void check_leaves(const WatcherHistory& watcher, const Leaves& leaves) {
    for (const SubjectRecord& subject : history_.subjects) {
      const auto seen = leaves.find(subject.subject);
      if (subject.room != watcher.room || seen == leaves.end()) continue;
      const auto went = std::ranges::count_if(
          subject.absences, [this](const auto& absence) { return absence >= history_.grace / 2; });
      const bool went_for_good = !subject.is_there_at_end;
      const auto departures = subject.goodbyes + went + (went_for_good ? 1 : 0);
      if (std::ssize(seen->second) <= departures) continue;
      fault(subject.subject + " left " + std::to_string(seen->second.size()) + " times (" +
            print(seen->second) + "), and went " + std::to_string(departures) + " times");
    }
  }

  void fault(std::string what) {
    if (faults_.size() < faults_max_) faults_.push_back(watcher_->name + ": " + std::move(what));
  }

  const PresenceHistory& history_;
  std::size_t faults_max_;
  std::map<int, List> truth_;  // by room
  std::map<std::pair<int, std::string>, List> by_version_;
  const WatcherHistory* watcher_ = nullptr;
  std::optional<std::string> held_;  // version
  List list_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> check_presence(const PresenceHistory& history, std::size_t faults_max) {
  return Checker(history, faults_max).run();
}

}  // namespace tako::test
