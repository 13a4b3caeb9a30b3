// A random storm: whatever comes, goes, falls behind and is linked anew, each watcher's list
// follows from frame to frame, and is the truth in the end.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/random.h"
#include "edge/fanout/testing/presence_fixture.h"

using namespace tako;
using namespace tako::edge;
using namespace tako::edge::testing;

namespace {

using Truth = std::map<std::string, std::string>;  // subject -> data

// Frames that a client can apply: a letter, the versions, then members and what became of them.
class PlainEncoder final : public PresenceEncoder {
 public:
  [[nodiscard]] SharedBytes list(const PresenceVersion& version, const PresenceMembers& members,
                                 const ChannelIdentity& /*channel*/) const override {
    std::string text = "L " + to_string(version);
    for (const auto& [subject, member] : members) text += " +" + subject + "=" + member.data;
    return SharedBytes(text);
  }
  [[nodiscard]] SharedBytes changes(const PresenceChanges& changes,
                                    const ChannelIdentity& /*channel*/) const override {
    std::string text = "C " + to_string(changes.after) + " " + to_string(changes.version);
    for (const PresenceChange& change : changes.changes) {
      const bool is_leave = change.action == PresenceAction::Leave;
      text += is_leave ? " -" + change.member.subject
                       : " +" + change.member.subject + "=" + change.member.data;
    }
    return SharedBytes(text);
  }
  [[nodiscard]] SharedBytes counts(const PresenceCounts& /*counts*/,
                                   const ChannelIdentity& /*channel*/) const override {
    return SharedBytes("N");
  }
};

Words words_of(const std::string& text) {
  Words words(1);
  for (const char letter : text) {
    if (letter == ' ') {
      words.emplace_back();
    } else {
      words.back() += letter;
    }
  }
  return words;
}

struct StormClient {
  std::unique_ptr<FakePresence> presence = std::make_unique<FakePresence>();
  std::optional<PresenceVersion> version;
  Truth list;

  void apply_all() {
    for (const std::string& frame : presence->take()) apply(words_of(frame));
  }
  void apply(const Words& words) {
    std::size_t next = 2;
    if (words[0] == "L") {
      list.clear();
    } else {
      REQUIRE(version.has_value());
      REQUIRE(words[1] == to_string(*version));  // The frame applies to the list that is held.
      next = 3;
    }
    const Position at = parse_cursor(words[next - 1])->position;
    version = PresenceVersion{at.offset, at.epoch};
    for (; next < words.size(); ++next) {
      const std::string& word = words[next];
      const std::size_t equals = word.find('=');
      const std::string subject = word.substr(1, equals - 1);
      if (word[0] == '-') {
        REQUIRE(list.erase(subject) == 1);
      } else {
        list[subject] = word.substr(equals + 1);
      }
    }
  }
};

class PresenceStorm : public PresenceFixture {
 public:
  explicit PresenceStorm(std::uint64_t seed) : random_(seed) {
    encoders = {nullptr, &plain_, &plain_, &plain_};
  }
  void run(int steps) {
    for (int i = 0; i < 8; ++i) clients_.emplace_back();
    for (int i = 0; i < steps; ++i) {
      step();
      for (StormClient& client : clients_) client.apply_all();
    }
    settle();
  }

 private:
  void step() {
    StormClient& client = clients_[random_.below(clients_.size())];
    switch (random_.below(12)) {
      case 0:
        return client.presence->is_attached() ? client.presence->leave(PresenceEnd::Lost)
                                              : come(client);
      case 1:
        client.presence->sink.room = random_.below(3);
        return;
      case 2:
        client.presence->sink.room = SIZE_MAX;
        return client.presence->pump();
      case 3:
        return client.presence->set_sink(nullptr);
      case 4:
        return client.presence->set_sink(&client.presence->sink);
      case 5:
        return pass(100);
      case 6:
        if (random_.below(4) == 0) pass(limits.feed_linger_ms);
        return;
      case 7:
        return random_.below(3) == 0 ? relink() : answer();
      case 8:
        return answer();
      default:
        return change();
    }
  }
  // With the list that it had, if it still knows.
  void come(StormClient& client) {
    if (random_.below(3) == 0) client.version.reset();
    hub.join(*client.presence, {.app = "default", .name = "c", .key = "c", .params_json = "{}"},
             {.form = WireForm::WsRich, .wish = PresenceWish::List, .has = client.version});
    client.presence->set_sink(&client.presence->sink);
    hear();
  }
  // What the edge has said: whether it wants the list, and from where.
  void hear() {
    for (const std::string& said : broker.presence.take()) {
      const Words words = words_of(said);
      if (words[0] == "close") told_.reset(), wants_ = false;
      if (words[0] != "open") continue;
      const bool wants = words.size() > 3;
      const bool has = words.size() > 5;
      if (!wants) told_.reset();
      // As a broker: `has` counts on a new link, when it is of this epoch.
      if (wants && !wants_) told_ = has && is_same_epoch_ ? told_ : std::nullopt;
      wants_ = wants;
    }
  }
  void relink() {
    broker.link_down();
    if (random_.below(2) == 0) {  // Another broker, that knows some of them only.
      epoch = Epoch{epoch.value + 1};
      version_ = random_.below(5);
      is_same_epoch_ = false;
      std::erase_if(truth_, [&](const auto&) { return random_.below(3) == 0; });
      history_.clear();
    }
    wants_ = false;
    broker.link_up();
    hear();
    is_same_epoch_ = true;
    answer();
  }
  void change() {
    const std::string subject = "m" + std::to_string(random_.below(6));
    PresenceChange change{.action = PresenceAction::Enter, .member = member(subject)};
    if (truth_.contains(subject) && random_.below(2) == 0) {
      change.action = PresenceAction::Leave;
      truth_.erase(subject);
    } else {
      if (truth_.contains(subject)) change.action = PresenceAction::Update;
      change.member.data = std::to_string(++data_);
      truth_[subject] = change.member.data;
    }
    history_.push_back(change);
    ++version_;
    if (random_.below(2) == 0) answer();
  }
  // All that happened since the last telling, or the list when that is not known.
  void answer() {
    hear();
    if (!wants_) return;
    if (!told_ || version_ - *told_ > history_.size()) {
      MemberList list{.version = at(version_), .members = {}};
      for (const auto& [subject, data] : truth_) {
        PresenceMember one = member(subject);
        one.data = data;
        list.members.push_back(one);
      }
      tell(std::move(list));
    } else if (*told_ != version_) {
      const auto behind = static_cast<std::ptrdiff_t>(version_ - *told_);
      tell(PresenceChanges{.after = at(*told_),
                           .version = at(version_),
                           .changes = {history_.end() - behind, history_.end()}});
    }
    told_ = version_;
    hear();
  }
  void settle() {
    for (StormClient& client : clients_) {
      client.presence->sink.room = SIZE_MAX;
      if (!client.presence->is_attached()) come(client);
      client.presence->set_sink(&client.presence->sink);
      client.presence->pump();
    }
    change();
    answer();
    for (StormClient& client : clients_) {
      client.apply_all();
      CHECK(client.version == at(version_));
      CHECK(client.list == truth_);
    }
    CHECK(hub.counters().holes_from_broker == 0);
  }

  SeededRandom random_;
  PlainEncoder plain_;
  std::vector<StormClient> clients_;
  Truth truth_;
  std::uint64_t version_ = 0;
  std::uint64_t data_ = 0;
  std::vector<PresenceChange> history_;  // of this epoch
  bool wants_ = false;
  bool is_same_epoch_ = true;
  std::optional<std::uint64_t> told_;
};

}  // namespace

TEST_CASE("each watcher's list follows from frame to frame, and is the truth in the end") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    PresenceStorm storm(seed);
    storm.run(400);
  }
}
