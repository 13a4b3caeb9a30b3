// Reads a channel's event stream and resumes it at the last id.
#include "broker/takoctl/tail.h"

#include <algorithm>
#include <ostream>

#include "broker/takoctl/reply.h"
#include "broker/takoctl/sse_reader.h"

namespace tako::takoctl {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{200};
constexpr milliseconds kLongestWait{5'000};

class Tail {
 public:
  Tail(ApiClient& client, const TailOptions& options, std::string target, Terminal terminal)
      : client_(client),
        options_(options),
        target_(std::move(target)),
        terminal_(terminal),
        cursor_(options.after),
        reader_([this](const SseBlock& block) { take(block); }) {}

  int run() {
    while (true) {
      const auto reply = read_once();
      const bool is_refused = reply && reply->status != 200 && reply->status != 503;
      if (is_refused) return report_refusal(*reply, terminal_);
      if (!reply && !has_begun_) return report_nobody(reply.error(), terminal_);
      terminal_.errors << "takoctl: the stream ended" << (reply ? "" : " (" + reply.error() + ")")
                       << "; resuming" << (cursor_.empty() ? "" : " at " + cursor_) << '\n';
      if (!options_.wait(wait_)) return kExitOk;
      wait_ = std::min(wait_ * 2, kLongestWait);
    }
  }

 private:
  std::expected<ApiReply, std::string> read_once() {
    reader_.reset();
    ApiCall call{.target = target_};
    if (!cursor_.empty()) call.headers["Last-Event-ID"] = cursor_;
    return client_.stream(call, [this](std::string_view piece) {
      reader_.feed(piece);
      return true;
    });
  }

  void take(const SseBlock& block) {
    has_begun_ = true;
    wait_ = kFirstWait;
    if (!block.id.empty()) cursor_ = block.id;
    if (block.event == "tako.gap") {
      terminal_.errors << "takoctl: gap " << block.data << std::endl;
    } else if (!block.data.empty()) {
      terminal_.out << block.data << std::endl;  // flushed: others read this through a pipe
    }
  }

  ApiClient& client_;
  const TailOptions& options_;
  std::string target_;
  Terminal terminal_;
  std::string cursor_;
  bool has_begun_ = false;
  milliseconds wait_ = kFirstWait;
  SseReader reader_;
};

}  // namespace

int run_tail(ApiClient& client, const TailOptions& options, Terminal terminal) {
  auto target = channel_target(options.channel, "stream");
  if (!target) {
    terminal.errors << "takoctl: " << target.error() << '\n';
    return kExitUsage;
  }
  *target += target->find('?') == std::string::npos ? "?_events=1" : "&_events=1";
  return Tail(client, options, std::move(*target), terminal).run();
}

}  // namespace tako::takoctl
