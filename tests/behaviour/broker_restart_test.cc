// Publishing goes on while the broker is restarted: over every way in, nothing fails, nothing comes
// twice, nothing is lost. A kill is told, and a retry with a key is answered once.
#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "tests/behaviour/fixtures.h"

using namespace tako::test;

namespace {

constexpr int kRestarts = 5;
constexpr int kFramesAtOnce = 8;
constexpr std::string_view kLast = "the last";

// What publishers were told: the id of each message, by its data.
class Ledger {
 public:
  void acknowledge(const std::string& data, const std::string& id) {
    const std::scoped_lock lock(mutex_);
    const auto [entry, is_new] = ids_.try_emplace(data, id);
    if (entry->second != id) twice_ += data + " at " + entry->second + " and " + id + "; ";
  }
  void fail(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    failures_ += what + "; ";
  }
  void retry() { ++retries_; }
  [[nodiscard]] std::map<std::string, std::string> ids() const {
    const std::scoped_lock lock(mutex_);
    return ids_;
  }
  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return ids_.size();
  }
  [[nodiscard]] std::string failures() const { return failures_; }
  [[nodiscard]] std::string twice() const { return twice_; }
  [[nodiscard]] int retries() const { return retries_; }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> ids_;
  std::string failures_;
  std::string twice_;
  std::atomic<int> retries_ = 0;
};

// One way to publish. Throws TestFailure when a publish is not acknowledged.
class Way {
 public:
  virtual ~Way() = default;
  virtual void publish(const std::string& data, const std::string& key, Ledger& ledger) = 0;
};

// POST on a connection for each request.
class PostWay final : public Way {
 public:
  PostWay(Endpoint endpoint, std::string target, std::string type, Headers headers = {})
      : endpoint_(std::move(endpoint)),
        target_(std::move(target)),
        type_(std::move(type)),
        headers_(std::move(headers)) {}
  void publish(const std::string& data, const std::string& key, Ledger& ledger) override {
    HttpRequest request{.method = "POST", .target = target_, .headers = headers_};
    request.body = R"({"type":")" + type_ + R"(","data":)" + json_string(data) + "}";
    if (!key.empty()) request.headers.push_back({"Idempotency-Key", key});
    const HttpResponse answer = http(endpoint_, request, Duration(30'000));
    if (answer.status != 201 && answer.status != 200) {
      throw TestFailure(target_ + ": " + answer.head.start_line + " " + answer.body);
    }
    ledger.acknowledge(data, answer.json()["id"].string());
  }

 private:
  Endpoint endpoint_;
  std::string target_;
  std::string type_;
  Headers headers_;
};

// Several frames at once on one rich WebSocket, which is kept; each is acknowledged by its ref.
class RichWay final : public Way {
 public:
  explicit RichWay(Endpoint edge) : edge_(std::move(edge)) {}
  void publish(const std::string& data, const std::string& key, Ledger& ledger) override {
    if (!client_) {
      client_ = std::make_unique<WsClient>(edge_, channel_path("wire"),
                                           WsOptions{.subprotocol = "tako.v1"});
      static_cast<void>(expect(*client_, "tako.ready"));
    }
    for (int i = 0; i < kFramesAtOnce; ++i) {
      const std::string one = data + "." + std::to_string(i);
      std::string frame = R"({"type":"say","echo":false,"data":")" + one + R"(","ref":")" + one;
      if (!key.empty()) frame += R"(","idempotencyKey":")" + key + std::to_string(i);
      client_->send_text(frame + "\"}");
    }
    for (int answers = 0; answers < kFramesAtOnce;) {
      const Json frame = client_->next_json(Duration(30'000));
      if (frame["type"].string() == "tako.error") throw TestFailure("rich: " + frame.print());
      if (frame["type"].string() != "tako.ack") continue;
      ledger.acknowledge(frame["data"]["ref"].string(), frame["data"]["id"].string());
      ++answers;
    }
  }

 private:
  Endpoint edge_;
  std::unique_ptr<WsClient> client_;
};

std::unique_ptr<Way> make_way(Cluster& tako, int number) {
  switch (number % 4) {
    case 0:
      return std::make_unique<RichWay>(tako.edge());
    case 1:
      return std::make_unique<PostWay>(tako.edge(), channel_path("wire") + "/messages", "say");
    case 2:
      return std::make_unique<PostWay>(tako.edge(), "/_tako/api/v1/channels/wire/messages", "t",
                                       Headers{{"Authorization", "Bearer k:s"}});
    default:
      return std::make_unique<PostWay>(tako.app_socket(), "/v1/channels/wire/messages", "t");
  }
}

// Eight publishers, two for each way in, that go on until they are stopped.
class Publishers {
 public:
  // With keys: what fails is tried again, with its key, until it is acknowledged.
  Publishers(Cluster& tako, Ledger& ledger, bool with_keys) : ledger_(ledger) {
    for (int number = 0; number < 8; ++number) {
      threads_.emplace_back([this, &tako, number, with_keys] {
        const std::unique_ptr<Way> way = make_way(tako, number);
        for (int i = 0; !is_over_; ++i) {
          const std::string data = std::to_string(number) + "-" + std::to_string(i);
          publish(*way, data, with_keys ? "k" + data : std::string());
        }
      });
    }
  }
  ~Publishers() { stop(); }
  void stop() {
    is_over_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  void wait_for_more(std::size_t count) const {
    const std::size_t wanted = ledger_.size() + count;
    wait_until("more publishes", [&] { return ledger_.size() >= wanted; }, Duration(40'000));
  }

 private:
  void publish(Way& way, const std::string& data, const std::string& key) {
    const Deadline deadline = deadline_in(Duration(60'000));
    for (;;) {
      try {
        return way.publish(data, key, ledger_);
      } catch (const TestFailure& failure) {
        if (key.empty() || poll_timeout(deadline) == 0) return ledger_.fail(failure.what());
        ledger_.retry();
        std::this_thread::sleep_for(Duration(5));  // The broker is away: no busy loop.
      }
    }
  }

  Ledger& ledger_;
  std::atomic<bool> is_over_ = false;
  std::vector<std::thread> threads_;
};

// A live subscriber in a thread of its own, over everything that happens to the broker, up to the
// message that the test publishes last.
class Listener {
 public:
  explicit Listener(Cluster& tako)
      : client_(tako.edge(), channel_path("wire"), {.subprotocol = "tako.v1"}) {
    static_cast<void>(expect(client_, "tako.ready"));
    thread_ = std::thread([this] { listen(); });
  }
  ~Listener() { thread_.join(); }

  // After the last message: what came, data and id, in order.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> messages() {
    wait_until("the last message", [this] { return is_over_.load(); }, Duration(60'000));
    if (!trouble_.empty()) throw TestFailure("the subscriber: " + trouble_);
    return messages_;
  }

 private:
  void listen() {
    try {
      while (messages_.empty() || messages_.back().first != kLast) {
        const Json frame = client_.next_json(Duration(40'000));
        if (frame["type"].string().starts_with("tako.")) throw TestFailure(frame.print());
        messages_.emplace_back(frame["data"].string(), frame["id"].string());
      }
    } catch (const TestFailure& failure) {
      trouble_ = failure.what();
    }
    is_over_ = true;
  }

  WsClient client_;
  std::vector<std::pair<std::string, std::string>> messages_;
  std::string trouble_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

ClusterOptions with_every_way_in(const TempDir& folder) {
  const std::string file =
      folder.write("definitions.json", R"({"definitions":)" + std::string(kDefinitions) + "}");
  return {.broker_config = "[[apps]]\nid = \"default\"\ndefinitions_file = \"" + file + "\"\n",
          .edge_config = "[[apps]]\nid = \"default\"\nkeys = [{ key = \"k\", secret = \"s\" }]\n",
          .activates_app_socket = true};
}

// Everything acknowledged was delivered once, where its publisher was told, in an unbroken order;
// and nothing else was delivered.
void check_delivered(Listener& listener, const Ledger& ledger) {
  const auto messages = listener.messages();
  std::map<std::string, std::string> told = ledger.ids();
  std::uint64_t offset = 0;
  for (const auto& [data, id] : messages) {
    const std::uint64_t next = std::stoull(id);
    if (offset != 0) CHECK(next == offset + 1);
    offset = next;
    const auto entry = told.find(data);
    if (data == kLast) continue;
    REQUIRE_MESSAGE(entry != told.end(), data << " came twice, or was never acknowledged");
    CHECK(entry->second == id);
    told.erase(entry);
  }
  CHECK(told.empty());
}

}  // namespace

TEST_CASE("over five restarts of the broker no publish fails, is lost, or comes twice") {
  const TempDir folder;
  Cluster tako(with_every_way_in(folder));
  Ledger ledger;
  Listener listener(tako);
  Publishers publishers(tako, ledger, false);
  for (int round = 0; round < kRestarts; ++round) {
    publishers.wait_for_more(100);
    CHECK(tako.broker().terminate() == 0);
    tako.start_broker();
  }
  publishers.wait_for_more(100);
  publishers.stop();
  tako.wait_until_ready();
  tako.publish("wire", "t", json_string(kLast));
  CHECK(ledger.failures() == "");
  CHECK(ledger.twice() == "");
  check_delivered(listener, ledger);
}

TEST_CASE("after a kill publishers are told, and a retry with its key is answered once") {
  const TempDir folder;
  Cluster tako(with_every_way_in(folder));
  Ledger ledger;
  Listener listener(tako);
  Publishers publishers(tako, ledger, true);
  for (int round = 0; round < kRestarts; ++round) {
    publishers.wait_for_more(100);
    tako.restart_broker();
  }
  publishers.wait_for_more(100);
  publishers.stop();
  tako.wait_until_ready();
  tako.publish("wire", "t", json_string(kLast));
  CHECK(ledger.failures() == "");
  CHECK(ledger.twice() == "");
  CHECK(ledger.retries() > 0);
  check_delivered(listener, ledger);
}
