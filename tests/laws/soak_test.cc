// The crash loop: broker and edges are killed, restarted, frozen and handed over at random while
// publishers retry with their keys and subscribers come back with their cursors; then the checker
// over what everybody saw. Short here; `make soak` runs 200 rounds of it.
//
//   TAKO_LAW_SEED  repeats a run's faults      SOAK_ROUNDS  how many faults in all
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "tests/laws/archive.h"
#include "tests/laws/checker.h"
#include "tests/laws/closing.h"
#include "tests/laws/crew.h"
#include "tests/laws/faults.h"
#include "tests/laws/fleet.h"
#include "tests/laws/swarm.h"

using namespace tako::test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRoundsDefault = 10;
#else
constexpr int kRoundsDefault = 40;
#endif
constexpr int kRoundsPerAct = 5;  // then everybody is brought to the end, and judged
constexpr std::size_t kEdges = 3;
constexpr int kPublicRooms = 12;
constexpr int kPrivateRooms = 4;
constexpr int kSubscribers = 120;
constexpr int kStrangers = 4;
constexpr std::uint32_t kMessagesMax = 10'000'000;  // of an act: never reached
constexpr std::uint32_t kProgressPerRound = 100;    // messages published before the next fault
constexpr std::size_t kRememberedPerChannel = 4'000;
constexpr Duration kProgressPatience{60'000};

// Rooms keep less than a second of load, so whoever stays away is told a gap; secrets keep more
// than a run of faults. A key must outlive every retry with it.
constexpr std::string_view kDefinitions = R"({"definitions":[
  {"name":"room","auth":false,"maxMessages":100,"handlers":{"m":"relay"},
   "paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}},
  {"name":"secret","auth":{},"maxMessages":3000,"handlers":{"m":"relay"},
   "paramsSchema":{"type":"object","properties":{"r":{"type":"integer"}},"required":["r"]}}]})";

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

StubReply judge_token(const Json& call) {
  const std::string token = call.has("header") ? call["header"]["value"].string() : "";
  if (!token.starts_with("crowd-")) return {.status = 403, .body = "{}"};
  return {.body = R"({"ok":true,"subject":")" + token + "\"}"};
}

struct Variant {
  std::string name;
  std::vector<std::string> limits;  // of the broker
  int share = 1;                    // of the rounds, in fifths
};

// What shows that a run was worth something.
struct Tally {
  std::uint64_t published = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t retries = 0;
  std::uint64_t gaps = 0;
  std::uint64_t resumed = 0;
  std::uint64_t over_kills =
      0;  // messages that followed one of an older epoch, with nothing missing

  void add(const History& history) {
    for (const SubscriptionHistory& subscription : history.subscriptions) {
      const SeenEvent* last = nullptr;
      for (const SeenEvent& event : subscription.events) {
        if (event.kind == SeenEvent::Kind::Resumed) ++resumed;
        if (event.kind == SeenEvent::Kind::Gap) last = nullptr;
        if (event.kind != SeenEvent::Kind::Message) continue;
        if (last != nullptr && last->position.epoch != event.position.epoch) ++over_kills;
        last = &event;
      }
    }
  }
};

class Soak {
 public:
  Soak(const Variant& variant, std::uint64_t seed) : seed_(seed), fleet_(options_of(variant)) {
    fleet_.app().on_authorize(judge_token);
    for (int i = 0; i < kPublicRooms + kPrivateRooms; ++i) {
      const bool is_private = i >= kPublicRooms;
      const std::string name = is_private ? "secret" : "room";
      const std::string query = "?r=" + std::to_string(i);
      channels_.push_back({"/_tako/channels/" + name + query, is_private});
      targets_.push_back(name + "/messages" + query);
    }
  }

  // One act: load, faults, and the judgement.
  std::vector<Violation> play(const std::vector<Fault>& faults) {
    ++act_;
    Swarm swarm({.edge = fleet_.edge_address(),
                 .channels = channels_,
                 .subscribers = kSubscribers,
                 .strangers = kStrangers,
                 .disturbed_each_ms = 5'000,
                 .seed = seed_ + act_});
    Crew crew({.routes = routes(),
               .targets = targets_,
               .publishers = 6,
               .first_number = next_number_,
               .messages = kMessagesMax,
               .pace = std::chrono::microseconds(500),
               .seed = seed_ * 1'000 + act_});
    wait_until("the crowd", [&] { return swarm.connected() > kSubscribers / 2; });
    for (const Fault& fault : faults) disturb(crew, fault);
    wait_for_progress(crew);
    crew.stop();
    return judge(swarm, crew);
  }

  void end() { fleet_.end(); }
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  static FleetOptions options_of(const Variant& variant) {
    FleetOptions options{.edges = kEdges, .definitions = std::string(kDefinitions)};
    options.broker_arguments = {"--limit", "idempotency_keys_per_channel_max=1000000"};
    for (const std::string& limit : variant.limits) {
      options.broker_arguments.insert(options.broker_arguments.end(), {"--limit", limit});
    }
    return options;
  }

  [[nodiscard]] std::vector<CrewRoute> routes() const {
    return {{fleet_.app_socket(), "/v1/channels/"},
            {fleet_.edge_address(), "/_tako/channels/", {{"Authorization", "Bearer crowd-0"}}},
            {fleet_.edge_address(), "/_tako/api/v1/channels/", {{"Authorization", "Bearer k:s"}}}};
  }

  static void wait_for_progress(const Crew& crew) {
    const std::uint32_t wanted = crew.acknowledged() + kProgressPerRound;
    wait_until(
        "publishers to go on", [&] { return crew.acknowledged() >= wanted || crew.is_done(); },
        kProgressPatience);
  }

  void disturb(const Crew& crew, const Fault& fault) {
    wait_for_progress(crew);
    std::this_thread::sleep_for(fault.before);  // The load goes on: the fault comes at any point.
    fleet_.apply(fault);
  }

  std::vector<Violation> judge(Swarm& swarm, Crew& crew) {
    fleet_.wait_until_ready();
    swarm.calm();
    History history;
    history.is_durable = true;
    history.knows_all_published = true;
    history.published = crew.published();
    for (const PublishedMessage& message : history.published) {
      next_number_ = std::max(next_number_, message.number + 1);
    }
    tally_.published += crew.acknowledged();
    tally_.retries += crew.retries();
    next_number_ = bring_to_the_end({fleet_.app_socket(), targets_}, swarm, next_number_, history);
    tally_.deliveries += swarm.messages();
    tally_.gaps += swarm.gaps();
    history.subscriptions = swarm.finish();
    tally_.add(history);
    for (SubscriptionHistory& archive : read_archive(fleet_.app_socket(), targets_)) {
      history.subscriptions.push_back(std::move(archive));
    }
    history.published.insert(history.published.end(), remembered_.begin(), remembered_.end());
    remember(history);
    return check_laws(history);
  }

  // What the log may still hold of the messages so far: the next act finds them in its archive.
  void remember(const History& history) {
    remembered_.clear();
    for (const PublishedMessage& message : history.published) {
      const SeenPosition& head = history.heads.at(message.channel);
      if (message.position.offset + kRememberedPerChannel > head.offset) {
        remembered_.push_back(message);
      }
    }
  }

  std::uint64_t seed_;
  Fleet fleet_;
  std::vector<SwarmChannel> channels_;
  std::vector<std::string> targets_;
  std::uint32_t next_number_ = 1;
  std::vector<PublishedMessage> remembered_;
  unsigned act_ = 0;
  Tally tally_;
};

void report(const Variant& variant, const Soak& soak, int rounds) {
  const Tally& tally = soak.tally();
  std::printf(
      "%s: %d rounds (broker killed %d times, restarted %d, frozen %d; edge killed %d, restarted "
      "%d, frozen %d, handed over %d), published %llu, retries %llu, deliveries %llu, resumed "
      "%llu, over a kill %llu, gaps told %llu, longest start of a broker %lld ms\n",
      variant.name.c_str(), rounds, soak.fleet().broker_kills(),
      soak.fleet().applied(Fault::Kind::RestartBroker),
      soak.fleet().applied(Fault::Kind::FreezeBroker),
      soak.fleet().applied(Fault::Kind::KillEdge) + soak.fleet().applied(Fault::Kind::KillBoth),
      soak.fleet().applied(Fault::Kind::RestartEdge), soak.fleet().applied(Fault::Kind::FreezeEdge),
      soak.fleet().applied(Fault::Kind::HandOverEdge),
      static_cast<unsigned long long>(tally.published),
      static_cast<unsigned long long>(tally.retries),
      static_cast<unsigned long long>(tally.deliveries),
      static_cast<unsigned long long>(tally.resumed),
      static_cast<unsigned long long>(tally.over_kills),
      static_cast<unsigned long long>(tally.gaps),
      static_cast<long long>(soak.fleet().longest_start().count()));
  std::fflush(stdout);
}

void run(const Variant& variant) {
  static const std::uint64_t seed = number_from("TAKO_LAW_SEED", std::random_device{}());
  const auto wanted = static_cast<int>(number_from("SOAK_ROUNDS", kRoundsDefault));
  const int rounds = std::max(1, wanted * variant.share / 5);
  INFO("TAKO_LAW_SEED=", seed);
  std::printf("%s: TAKO_LAW_SEED=%llu\n", variant.name.c_str(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Soak soak(variant, seed);
  const std::vector<Fault> faults = draw_faults(seed, rounds, kEdges);
  for (int from = 0; from < rounds; from += kRoundsPerAct) {
    const int to = std::min(rounds, from + kRoundsPerAct);
    const std::vector<Fault> act(faults.begin() + from, faults.begin() + to);
    std::string told;
    for (const Fault& fault : act) told += describe(fault) + "; ";
    CAPTURE(told);
    const auto violations = soak.play(act);
    for (const Violation& violation : violations) {
      CAPTURE(violation.law);
      FAIL_CHECK(violation.text);
    }
    if (!violations.empty()) break;
    if (to % 50 == 0) report(variant, soak, to);
  }
  soak.end();
  report(variant, soak, rounds);
  // The run was worth something.
  CHECK(soak.fleet().broker_kills() > 0);
  CHECK(soak.tally().retries > 0);
  CHECK(soak.tally().resumed > 0);
  CHECK(soak.tally().over_kills > 0);
  CHECK(soak.tally().deliveries > soak.tally().published);
}

}  // namespace

TEST_CASE("the laws hold while broker and edges are killed, restarted and frozen under load") {
  run({.name = "as configured", .limits = {}, .share = 3});
}

TEST_CASE("the laws hold likewise when every replay is read from disk") {
  run({.name = "cold", .limits = {"log_hot_bytes_max=0"}, .share = 1});
}

TEST_CASE("the laws hold likewise when the log is full, and old segments are moved and removed") {
  run({.name = "small log", .limits = {"log_bytes_max=524288"}, .share = 1});
}
