// Random life of a disk log: appends, reads, moving, kills and losses of power at every kind of
// moment, against a model of what was promised. TAKO_LOG_SEED repeats one life, TAKO_LOG_LIVES
// lives more of them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <set>

#include "broker/log/test_machine.h"

namespace tako::broker {
namespace {

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();
constexpr std::array<const char*, 5> kKeys = {"a", "b", "c", "d", "e"};

// What a subscriber may have seen, and what publishers were told.
struct Promised {
  // By offset: what is there as far as anybody knows. Losses of power cut it at the recovered head.
  std::map<std::uint64_t, std::string> stored;
  std::uint64_t synced = 0;              // acknowledged as synced up to here
  std::uint64_t written = 0;             // readable up to here
  std::map<std::string, Position> keys;  // idempotency keys that were acknowledged as synced
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : machine_(seed), random_(seed) {
    machine_.seams.segment_bytes = 2'000;
    machine_.limits.log_bytes_max = 20'000;
    machine_.limits.log_hot_bytes_max = random_.below(2) == 0 ? 0 : 3'000;
    boot();
  }

  void live(int steps) {
    for (int step = 0; step < steps; ++step) {
      switch (random_.below(24)) {
        case 0:
          kill();
          break;
        case 1:
          lose_power();
          break;
        case 2:
          end_in_order();
          break;
        case 3:
          machine_.clock.advance(static_cast<std::int64_t>(random_.below(400)));
          machine_.log->trim();
          break;
        case 4:
          look();
          break;
        case 5:
          disturb();
          break;
        case 6:
        case 7:
        case 8:
        case 9:
          step_workers();
          break;
        default:
          append();
          break;
      }
    }
    kill();
  }

 private:
  void boot() {
    machine_.folder.heal();
    hold_workers(false);
    machine_.must_start();
    hold_workers(true);
    streams_.clear();
    for (const char* key : kKeys) {
      streams_[key] = machine_.stream(
          key, {.window_ms = 1'000, .messages_max = 12, .bytes_max = std::size_t{1} << 20U});
    }
  }
  void hold_workers(bool held) {
    for (SteppedWorker* worker : {&machine_.writer, &machine_.syncer, &machine_.reader}) {
      worker->is_inline = !held;
      if (!held) worker->run_all();
    }
  }
  void step_workers() {
    for (std::uint64_t i = random_.below(6); i-- > 0;) {
      SteppedWorker* workers[] = {&machine_.writer, &machine_.syncer, &machine_.reader};
      workers[random_.below(3)]->step();
    }
  }

  void append() {
    const std::string key = kKeys[random_.below(kKeys.size())];
    Promised& promised = promised_[key];
    std::vector<MessageDraft> batch;
    for (std::uint64_t i = 0; i <= random_.below(3); ++i) {
      batch.push_back(
          {.type = "t", .data = std::to_string(++number_) + std::string(random_.below(200), 'x')});
    }
    AppendOptions options{.ack = random_.below(2) == 0 ? AckKind::Written : AckKind::Synced};
    std::string name;
    if (random_.below(3) == 0) {
      name = std::to_string(number_);
      options.key = KeyUse{{number_, 1}, {number_, 2}};
    }
    machine_.log->append(streams_[key], batch, options,
                         [&promised, options, name](const Result<std::vector<MessagePtr>>& stored) {
                           if (!stored) return;
                           for (const MessagePtr& message : *stored) {
                             promised.stored[message->offset()] = std::string(message->data());
                           }
                           const std::uint64_t last = stored->back()->offset();
                           promised.written = std::max(promised.written, last);
                           if (options.ack != AckKind::Synced) return;
                           promised.synced = std::max(promised.synced, last);
                           if (options.key) promised.keys[name] = stored->front()->position();
                         });
  }

  // A disk that refuses for a while, or fails for good; the latter ends the process.
  void disturb() {
    const std::array<int, 3> errors{ENOSPC, EROFS, EIO};
    const std::array<MemoryFolder::Call, 3> calls{
        MemoryFolder::Call::Write, MemoryFolder::Call::Create, MemoryFolder::Call::Sync};
    const auto call = calls[random_.below(calls.size())];
    const int error = call == MemoryFolder::Call::Sync ? EIO : errors[random_.below(3)];
    machine_.folder.fail_at(call, 1 + static_cast<int>(random_.below(3)), error);
    hold_workers(false);
    hold_workers(true);
    machine_.folder.heal();
    if (machine_.failures.empty()) return;
    learn_readable();
    boot();
    compare(false);
  }

  // What could be read before the end counts as seen.
  void learn_readable() {
    if (machine_.failures.empty()) {
      machine_.reader.run_all();
      machine_.reader.is_inline = true;
    }
    for (const char* key : kKeys) {
      Promised& promised = promised_[key];
      const ReplayWindow window = machine_.log->window(streams_[key]);
      promised.written = std::max(promised.written, window.head);
      seen_[key].insert({window.epoch.value, window.head});
      machine_.reader.is_inline = true;
      machine_.log->load_after(
          streams_[key], 0, kEverything, {}, [&promised](const std::vector<MessagePtr>& messages) {
            for (const MessagePtr& message : messages) {
              promised.stored[message->offset()] = std::string(message->data());
            }
          });
      machine_.reader.is_inline = false;
    }
  }

  void kill() {
    // In the middle of a round, perhaps: work that was begun is in the files, its end never comes.
    learn_readable();
    boot();
    compare(false);
  }
  void lose_power() {
    learn_readable();
    machine_.log.reset();
    for (SteppedWorker* worker : {&machine_.writer, &machine_.syncer, &machine_.reader}) {
      worker->drop();
    }
    machine_.folder.lose_power(random_);
    boot();
    compare(true);
  }
  void end_in_order() {
    hold_workers(false);
    learn_readable();
    hold_workers(false);
    std::map<std::string, Epoch> epochs;
    for (const char* key : kKeys) epochs[key] = machine_.log->window(streams_[key]).epoch;
    machine_.close();
    boot();
    for (const char* key : kKeys) {
      INFO(machine_.told.back());
      CAPTURE(key);
      REQUIRE(machine_.log->window(streams_[key]).epoch.value == epochs[key].value);
    }
    compare(false);
  }

  void look() {
    hold_workers(false);
    compare(false);
    hold_workers(true);
  }

  void compare(bool power_was_lost) {
    hold_workers(false);
    for (const char* key : kKeys) {
      CAPTURE(key);
      compare_stream(key, power_was_lost);
      compare_keys(key);
    }
    hold_workers(true);
  }

  void compare_stream(const std::string& key, bool power_was_lost) {
    Promised& promised = promised_[key];
    const ReplayWindow window = machine_.log->window(streams_[key]);
    REQUIRE(window.head >= promised.synced);
    if (!power_was_lost) REQUIRE(window.head >= promised.written);
    // What nobody was told of may have been stored; what is behind the head is gone.
    std::erase_if(promised.stored, [&](const auto& entry) { return entry.first > window.head; });
    promised.written = window.head;
    std::uint64_t next = window.oldest;
    machine_.log->load_after(
        streams_[key], 0, kEverything, {}, [&](const std::vector<MessagePtr>& messages) {
          for (const MessagePtr& message : messages) {
            REQUIRE(message->offset() == next);
            ++next;
            const std::string data(message->data());
            const auto known = promised.stored.find(message->offset());
            if (known != promised.stored.end()) REQUIRE(known->second == data);
            promised.stored[message->offset()] = data;
            // Law: an offset is never used twice in an epoch.
            const auto [named, is_new] =
                data_at_.try_emplace({key, message->epoch().value, message->offset()}, data);
            REQUIRE(named->second == data);
          }
        });
    REQUIRE(next == window.head + 1);
    // Every cursor that somebody may hold goes on exactly, or is told.
    for (const auto& [epoch, offset] : seen_[key]) {
      const Resume resume = resume_at({.position = {offset, Epoch{epoch}}}, window);
      if (!resume.gap) REQUIRE(resume.after == offset);
    }
    seen_[key].insert({window.epoch.value, window.head});
  }

  void compare_keys(const std::string& key) {
    const auto known = std::ranges::find(machine_.recovered, key, &RecoveredStream::key);
    if (known == machine_.recovered.end()) return;
    for (const RecoveredKey& recovered : known->keys) {
      const auto told = promised_[key].keys.find(std::to_string(recovered.use.key[0]));
      if (told == promised_[key].keys.end()) continue;
      REQUIRE(told->second == recovered.first);
    }
  }

  Machine machine_;
  SeededRandom random_;
  std::map<std::string, StreamId> streams_;
  std::map<std::string, Promised> promised_;
  std::map<std::string, std::set<std::pair<std::uint64_t, std::uint64_t>>> seen_;
  std::map<std::tuple<std::string, std::uint64_t, std::uint64_t>, std::string> data_at_;
  std::uint64_t number_ = 0;
};

TEST_CASE("whatever happens, what was promised is there, once, in order, or told to be gone") {
  const auto number = [](const char* name, std::uint64_t otherwise) {
    const char* given = std::getenv(name);
    return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
  };
  const std::uint64_t first = number("TAKO_LOG_SEED", 1);
  const std::uint64_t count = number("TAKO_LOG_LIVES", first == 1 ? 100 : 1);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    INFO("TAKO_LOG_SEED=", seed);
    Life(seed).live(300);
  }
}

}  // namespace
}  // namespace tako::broker
