// Blocking clients that are only read when they have something.
#include "tests/laws/presence_crowd.h"

#include <poll.h>

#include <algorithm>
#include <optional>

#include "tests/support/json.h"
#include "tests/support/wait.h"
#include "tests/support/ws_client.h"

namespace tako::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kStep{5};
constexpr int kActEach = 40;  // steps of a subject between two actions, about

bool is_readable(int fd) {
  pollfd look{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) > 0;
}

// What is there of frames now; nullopt: nothing whole.
std::optional<WsFrame> next_now(WsClient& client, bool& is_over) {
  try {
    std::optional<WsFrame> frame = client.next_frame(milliseconds(0));
    is_over = !frame || frame->opcode == kWsClose;
    return is_over ? std::nullopt : frame;
  } catch (const TestFailure&) {
    return std::nullopt;
  }
}

SeenMember member_of(const Json& json) {
  return {.subject = json["subject"].string(),
          .data = json.has("data") ? json["data"].print() : std::string()};
}

PresenceFrame frame_of(const Json& data) {
  PresenceFrame frame;
  frame.version = data["version"].string();
  if (data.has("members")) {
    frame.kind = PresenceFrame::Kind::List;
    const Json members = data["members"];
    for (std::size_t i = 0; i < members.size(); ++i) frame.members.push_back(member_of(members[i]));
    return frame;
  }
  frame.kind = PresenceFrame::Kind::Changes;
  frame.after = data["after"].string();
  const Json changes = data["changes"];
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Json change = changes[i];
    frame.changes.push_back(
        {.action = change["action"].string(),
         .member = member_of(change),
         .reason = change.has("reason") ? change["reason"].string() : std::string()});
  }
  return frame;
}

}  // namespace

struct PresenceCrowd::Session {
  WatcherHistory history;
  std::map<std::string, std::string> list;  // as told so far
  std::string version;                      // of it; empty: none
  std::unique_ptr<WsClient> client;
  bool is_ready = false;
  Clock::time_point comes_back_at;
};

struct PresenceCrowd::Subject {
  SubjectRecord record;
  std::string key;
  int data = 0;
  std::optional<Clock::time_point> absent_since;  // since its last session ended without a word
  bool has_settled = false;
  std::vector<Session> sessions;

  [[nodiscard]] bool has_ready() const { return std::ranges::any_of(sessions, &Session::is_ready); }
};

PresenceCrowd::PresenceCrowd(CrowdOptions options)
    : options_(std::move(options)), random_(options_.seed) {
  for (int i = 0; i < options_.subjects; ++i) {
    Subject& subject = *subjects_.emplace_back(std::make_unique<Subject>());
    subject.record.subject = "s" + std::to_string(i);
    subject.record.room = i % options_.rooms;
    subject.key = "room?r=" + std::to_string(subject.record.room);
    subject.sessions.resize(static_cast<std::size_t>(options_.sessions));
    for (std::size_t each = 0; each < subject.sessions.size(); ++each) {
      WatcherHistory& history = subject.sessions[each].history;
      history.name = subject.record.subject + "/" + std::to_string(each);
      history.room = subject.record.room;
    }
  }
  thread_ = std::thread([this] {
    try {
      run();
    } catch (...) {
      failure_ = std::current_exception();
    }
  });
}

PresenceCrowd::~PresenceCrowd() {
  is_finished_ = true;
  if (thread_.joinable()) thread_.join();
}

void PresenceCrowd::run() {
  while (!is_finished_) {
    const Clock::time_point next = Clock::now() + kStep;
    for (const auto& subject : subjects_) step(*subject);
    if (is_settling_) look_for_agreement();
    std::this_thread::sleep_until(next);
  }
}

void PresenceCrowd::step(Subject& subject) {
  for (Session& session : subject.sessions) {
    if (session.client != nullptr) read(subject, session);
  }
  if (is_settling_) {
    settle(subject);
  } else if (below(kActEach) == 0) {
    act(subject);
  }
}

void PresenceCrowd::act(Subject& subject) {
  Session& session = subject.sessions[below(subject.sessions.size())];
  if (session.client == nullptr) {
    if (Clock::now() >= session.comes_back_at) connect(subject, session);
    return;
  }
  if (!session.is_ready) return;
  const std::uint64_t dice = below(20);
  if (dice < 12) {
    update(subject);
  } else if (dice < 15) {
    say_goodbye(subject, session);
  } else {
    drop(subject, session);
    const auto grace = static_cast<std::uint64_t>(options_.grace.count());
    const std::uint64_t away = dice == 19 ? grace + grace / 2 : below(grace / 8 + 1);
    session.comes_back_at = Clock::now() + milliseconds(away);
  }
}

void PresenceCrowd::settle(Subject& subject) {
  const bool stays = (subject.record.subject.back() - '0') % 2 == 0;
  for (std::size_t i = 0; i < subject.sessions.size(); ++i) {
    Session& session = subject.sessions[i];
    const bool wanted = stays && i == 0;
    if (wanted && session.client == nullptr) connect(subject, session);
    if (!wanted && session.client != nullptr) drop(subject, session);
  }
  subject.record.is_there_at_end = stays;
  if (stays && !subject.has_settled && subject.sessions.front().is_ready) {
    subject.has_settled = true;
    update(subject);
  }
  subject.record.data_at_end = stays ? std::to_string(subject.data) : std::string();
  subject.sessions.front().history.is_there_at_end = stays;
}

void PresenceCrowd::connect(Subject& subject, Session& session) {
  std::string target = "/_tako/channels/room?r=" + std::to_string(subject.record.room) +
                       "&_presence=list&_presence_data=" + std::to_string(subject.data);
  if (!session.version.empty()) target += "&_presence_version=" + session.version;
  session.comes_back_at = Clock::now() + milliseconds(50 + below(100));  // Unless it comes about.
  try {
    session.client = std::make_unique<WsClient>(
        options_.edge, target,
        WsOptions{.headers = {{"Authorization", "Bearer " + subject.record.subject}},
                  .subprotocol = "tako.v1"});
    if (!session.client->is_open()) session.client.reset();
  } catch (const TestFailure&) {
    session.client.reset();  // An edge that was killed just now.
  }
  if (session.client == nullptr) return;
  ++connects_;
  session.is_ready = false;
  session.history.frames.push_back({.kind = PresenceFrame::Kind::Reconnected,
                                    .after = {},
                                    .version = {},
                                    .members = {},
                                    .changes = {}});
}

// Each session says it when it comes again: what is said last holds, however the first one ended.
void PresenceCrowd::update(Subject& subject) {
  ++subject.data;
  const std::string frame = R"({"type":"tako.presence","data":{"action":"update","data":)" +
                            std::to_string(subject.data) + R"(},"key":)" +
                            json_string(subject.key) + "}";
  for (Session& session : subject.sessions) {
    if (!session.is_ready) continue;
    try {
      session.client->send_text(frame);
    } catch (const TestFailure&) {
      drop(subject, session);
    }
  }
}

void PresenceCrowd::drop(Subject& subject, Session& session) {
  session.client->socket().reset();
  session.client.reset();
  session.is_ready = false;
  after_end(subject);
}

void PresenceCrowd::say_goodbye(Subject& subject, Session& session) {
  try {
    session.client->send_close(1000);
  } catch (const TestFailure&) {  // It is gone already: then this is no goodbye.
    return drop(subject, session);
  }
  session.client.reset();
  session.is_ready = false;
  // The edge may never read it, when it is killed now: then it counts as one without a word.
  if (!subject.has_ready()) ++subject.record.goodbyes;
  after_end(subject);
}

void PresenceCrowd::after_end(Subject& subject) {
  if (!subject.has_ready() && !subject.absent_since) subject.absent_since = Clock::now();
}

void PresenceCrowd::read(Subject& subject, Session& session) {
  if (!is_readable(session.client->socket().fd())) return;
  bool is_over = false;
  while (const auto frame = next_now(*session.client, is_over)) {
    if (frame->opcode == kWsText) on_frame(subject, session, frame->payload);
  }
  if (is_over) drop(subject, session);
}

void PresenceCrowd::on_frame(Subject& subject, Session& session, const std::string& text) {
  const Json frame = Json::parse(text);
  const std::string type = frame["type"].string();
  if (type == "tako.ready") {
    session.is_ready = true;
    if (!subject.absent_since) return;
    subject.record.absences.push_back(
        std::chrono::duration_cast<milliseconds>(Clock::now() - *subject.absent_since));
    subject.absent_since.reset();
    return;
  }
  if (type != "tako.presence") return;
  ++frames_;
  PresenceFrame told = frame_of(frame["data"]);
  if (told.kind == PresenceFrame::Kind::List) session.list.clear();
  for (const SeenMember& member : told.members) session.list[member.subject] = member.data;
  for (const SeenChange& change : told.changes) {
    if (change.action == "leave") {
      session.list.erase(change.member.subject);
    } else {
      session.list[change.member.subject] = change.member.data;
    }
  }
  session.version = told.version;
  session.history.frames.push_back(std::move(told));
}

void PresenceCrowd::look_for_agreement() {
  std::map<int, std::map<std::string, std::string>> truth;
  for (const auto& subject : subjects_) {
    const SubjectRecord& record = subject->record;
    if (record.is_there_at_end) truth[record.room][record.subject] = record.data_at_end;
  }
  std::string why;
  for (const auto& subject : subjects_) {
    const Session& first = subject->sessions.front();
    if (!subject->record.is_there_at_end) continue;
    if (first.is_ready && subject->has_settled && first.list == truth[first.history.room]) continue;
    why = first.history.name + " lists " + std::to_string(first.list.size()) + " of " +
          std::to_string(truth[first.history.room].size()) + ": ";
    for (const auto& [member, data] : first.list) why += member + "=" + data + " ";
    why += "; truth: ";
    for (const auto& [member, data] : truth[first.history.room]) why += member + "=" + data + " ";
    break;
  }
  is_agreed_ = why.empty();
  const std::scoped_lock lock(mutex_);
  disagreement_ = std::move(why);
}

std::string PresenceCrowd::disagreement() const {
  const std::scoped_lock lock(mutex_);
  return disagreement_;
}

PresenceHistory PresenceCrowd::finish() {
  is_finished_ = true;
  thread_.join();
  if (failure_) std::rethrow_exception(failure_);
  PresenceHistory history;
  history.grace = options_.grace;
  for (const auto& subject : subjects_) {
    history.subjects.push_back(subject->record);
    for (Session& session : subject->sessions) history.watchers.push_back(session.history);
  }
  return history;
}

}  // namespace tako::test
