// The disk log over restarts, kills, losses of power, damage and failing calls.
#include "broker/log/disk_log.h"

#include <doctest/doctest.h>

#include "broker/log/test_machine.h"

namespace tako::broker {
namespace {

using Call = MemoryFolder::Call;

void fill(Machine& machine, int count) {
  const StreamId stream = machine.stream("a");
  for (int i = 1; i <= count; ++i) REQUIRE(machine.append(stream, std::to_string(i)).has_value());
}

TEST_CASE("the tail torn at every byte of the last record: what was before it is whole") {
  Machine machine;
  machine.must_start();
  fill(machine, 3);
  const std::string name = machine.folder.names().front();
  const std::string whole = machine.folder.bytes(name);
  // The last record's size: what the file is longer by than with two.
  Machine shorter;
  shorter.must_start();
  fill(shorter, 2);
  const std::size_t begin = shorter.folder.bytes(name).size();
  REQUIRE(begin < whole.size());
  for (std::size_t size = begin; size < whole.size(); ++size) {
    CAPTURE(size);
    Machine torn;
    torn.folder.put(name, whole.substr(0, size));
    torn.must_start();
    // The pad behind a record is none of it.
    const bool is_whole = size + 8 > whole.size() && torn.read(torn.stream("a")) == "1 2 3 ";
    if (!is_whole) CHECK(torn.read(torn.stream("a")) == "1 2 ");
    REQUIRE(torn.append(torn.stream("a"), "next").has_value());
    torn.must_start();
    CHECK(torn.read(torn.stream("a")) == (is_whole ? "1 2 3 next " : "1 2 next "));
  }
}

TEST_CASE("a bit flipped anywhere: no wrong message, no silent gap, and the log goes on") {
  Machine machine;
  machine.must_start();
  fill(machine, 5);
  machine.close();
  const std::string name = machine.folder.names().front();
  const std::string whole = machine.folder.bytes(name);
  Position last;
  {
    Machine sound;
    sound.folder.put(name, whole);
    sound.must_start();
    const ReplayWindow window = sound.log->window(sound.stream("a"));
    last = {window.head, window.epoch};
  }
  REQUIRE(last.offset == 5);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    CAPTURE(byte);
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (byte % 8)));
    Machine flipped(7);
    flipped.folder.put(name, damaged);
    const auto started = flipped.start();
    if (!started) {  // The header says another version now.
      CHECK(started.error().code == ErrorCode::LogUnusable);
      continue;
    }
    const StreamId stream = flipped.stream("a");
    const ReplayWindow window = flipped.log->window(stream);
    // What is there is a run of the right messages that ends at the head.
    std::string expected;
    for (std::uint64_t offset = window.oldest; offset <= window.head; ++offset) {
      expected += std::to_string(offset) + ' ';
    }
    CHECK(flipped.read(stream) == expected);
    CHECK(window.head <= 5);
    // Whoever has seen all goes on where nothing is missing, or is told.
    const Resume resume = resume_at({.position = last}, window);
    if (!resume.gap) CHECK(window.head == 5);
    const auto next = flipped.append(stream, "next");
    REQUIRE(next.has_value());
    CHECK((window.head == 5 || (*next)[0]->epoch() != last.epoch));
  }
}

TEST_CASE("a write that fails, whichever: refused, told, nothing of it is found, and it goes on") {
  for (const int error : {ENOSPC, EDQUOT, EROFS}) {
    for (int n = 1; n <= 12; ++n) {
      CAPTURE(n);
      Machine machine;
      machine.must_start();
      const StreamId stream = machine.stream("a");
      machine.folder.fail_at(Call::Write, n, error);
      std::string stored;
      int refused = 0;
      for (int i = 1; i <= 12; ++i) {
        const auto answer = machine.append(stream, std::to_string(i));
        if (answer) {
          stored += std::to_string(i) + ' ';
        } else {
          ++refused;
          CHECK(answer.error().code == ErrorCode::LogFull);
        }
      }
      CHECK(refused == 1);
      CHECK(machine.failures.empty());
      CHECK(machine.was_told("publishes are refused"));
      CHECK(machine.read(stream) == stored);
      machine.must_start();  // killed
      CHECK(machine.read(machine.stream("a")) == stored);
      CHECK(machine.log->window(machine.stream("a")).head == 11);
    }
  }
}

TEST_CASE("who hears of a refusal may append at once: offsets stay dense, and each is given once") {
  Machine machine;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  machine.writer.is_inline = false;
  int refused = 0;
  std::vector<std::uint64_t> offsets;
  const auto note = [&offsets](const Result<std::vector<MessagePtr>>& stored) {
    REQUIRE(stored.has_value());
    offsets.push_back((*stored)[0]->offset());
  };
  for (int i = 0; i < 3; ++i) {
    machine.log->append(stream, {{.type = "t", .data = "lost"}}, {}, [&](const auto& stored) {
      REQUIRE_FALSE(stored.has_value());
      ++refused;
      machine.log->append(stream, {{.type = "t", .data = "again"}}, {}, note);
    });
  }
  machine.folder.fail_at(Call::Write, 1, ENOSPC);
  machine.writer.run_all();
  CHECK(refused == 3);
  CHECK(offsets == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(machine.read(stream) == "again again again ");
}

TEST_CASE("many keys are needed as well: they do not keep publishers out") {
  Machine machine;
  machine.seams.segment_bytes = 2'000;
  machine.limits.log_bytes_max = 20'000;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  for (std::uint64_t i = 1; i <= 2'000; ++i) {
    const AppendOptions options{.key = KeyUse{{i, 1}, {i, 2}}};
    REQUIRE(machine.append(stream, "x", options).has_value());
    if (i % 20 == 0) machine.log->trim();
  }
  machine.must_start();
  REQUIRE(machine.recovered.size() == 1);
  CHECK(machine.recovered[0].keys.size() == 2'000);
}

TEST_CASE("a write that fails for another reason ends the log: nothing is acknowledged any more") {
  for (int n = 1; n <= 6; ++n) {
    CAPTURE(n);
    Machine machine;
    machine.must_start();
    const StreamId stream = machine.stream("a");
    machine.folder.fail_at(Call::Write, n, EIO);
    int acknowledged = 0;
    for (int i = 1; i <= 6; ++i) acknowledged += machine.append(stream, "x").has_value() ? 1 : 0;
    CHECK(acknowledged == n - 1);
    CHECK(machine.failures.size() == 1);
    machine.folder.heal();
    machine.must_start();
    CHECK(machine.log->window(machine.stream("a")).head >= static_cast<unsigned>(n - 1));
  }
}

TEST_CASE("a sync that fails, whichever, is never repeated: nothing more is acknowledged") {
  for (int n = 1; n <= 6; ++n) {
    CAPTURE(n);
    Machine machine;
    machine.must_start();
    const StreamId stream = machine.stream("a");
    machine.folder.fail_at(Call::Sync, n, EIO);
    int acknowledged = 0;
    for (int i = 1; i <= 6; ++i) acknowledged += machine.append(stream, "x").has_value() ? 1 : 0;
    CHECK(acknowledged == n - 1);
    CHECK(machine.failures.size() == 1);
    const int syncs = machine.folder.calls(Call::Sync);
    machine.log->trim();
    CHECK(machine.folder.calls(Call::Sync) == syncs);
  }
}

TEST_CASE("a new segment that can't be created is a refusal that passes") {
  Machine machine;
  machine.seams.segment_bytes = 1'000;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  REQUIRE(machine.append(stream, std::string(600, 'x')).has_value());
  machine.folder.fail_at(Call::Create, 1, ENOSPC);
  CHECK(machine.append(stream, std::string(600, 'y')).error().code == ErrorCode::LogFull);
  REQUIRE(machine.append(stream, std::string(600, 'z')).has_value());
  CHECK(machine.log->window(stream).head == 2);
  machine.must_start();
  CHECK(machine.read(machine.stream("a")) ==
        std::string(600, 'x') + ' ' + std::string(600, 'z') + ' ');
}

TEST_CASE("what can't be taken back after a failed write ends the log") {
  Machine machine;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  REQUIRE(machine.append(stream, "1").has_value());
  machine.folder.fail_at(Call::Write, 1, ENOSPC);
  machine.folder.fail_at(Call::Truncate, 1, EIO);
  CHECK_FALSE(machine.append(stream, "2").has_value());
  CHECK(machine.failures.size() == 1);
}

TEST_CASE(
    "a disk that is full at the start serves what there is, and publishes when there is room") {
  Machine machine;
  machine.must_start();
  fill(machine, 3);
  machine.folder.fail_at(Call::Write, 1, ENOSPC, true);
  machine.must_start();
  const StreamId stream = machine.stream("a");
  CHECK(machine.read(stream) == "1 2 3 ");
  CHECK(machine.append(stream, "no").error().code == ErrorCode::LogFull);
  machine.log->trim();
  machine.folder.heal();
  CHECK(machine.append(stream, "4").has_value());
  machine.must_start();
  CHECK(machine.read(machine.stream("a")) == "1 2 3 4 ");
}

TEST_CASE("a segment that is gone is told to those who stand before it, and to nobody else") {
  Machine machine;
  machine.seams.segment_bytes = 1'000;
  machine.must_start();
  StreamId stream = machine.stream("a");
  Position first;
  for (int i = 1; i <= 12; ++i) {
    const auto stored = machine.append(stream, std::string(200, static_cast<char>('a' + i)));
    if (i == 1) first = (*stored)[0]->position();
  }
  machine.close();
  const ReplayWindow before = machine.log->window(stream);
  const auto names = machine.folder.names();
  REQUIRE(names.size() >= 4);
  machine.folder.erase(names[1]);
  machine.must_start();
  CHECK(machine.was_told("segments missing"));
  stream = machine.stream("a");
  const ReplayWindow window = machine.log->window(stream);
  CHECK(window.head == 12);
  CHECK(window.oldest > 2);
  CHECK(window.oldest < 12);
  CHECK(resume_at({.position = first}, window).gap);
  CHECK_FALSE(resume_at({.position = {12, before.epoch}}, window).gap);
  const Resume inside = resume_at({.position = {window.oldest, before.epoch}}, window);
  CHECK_FALSE(inside.gap);
  // Told once: the next start in order goes on.
  machine.close();
  machine.must_start();
  CHECK(machine.log->window(machine.stream("a")).epoch == window.epoch);
}

TEST_CASE("the first segment gone is noticed too, where the log had ended in order") {
  Machine machine;
  machine.seams.segment_bytes = 1'000;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  for (int i = 0; i < 12; ++i) REQUIRE(machine.append(stream, std::string(200, 'x')).has_value());
  const Epoch epoch = machine.log->window(stream).epoch;
  machine.close();
  machine.folder.erase(machine.folder.names().front());
  machine.must_start();
  CHECK(machine.was_told("segments missing"));
  CHECK(machine.log->window(machine.stream("a")).epoch != epoch);
}

TEST_CASE("a segment deleted under the running process is read on, and missing at the next start") {
  Machine machine;
  machine.seams.segment_bytes = 1'000;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  for (int i = 1; i <= 9; ++i) REQUIRE(machine.append(stream, std::string(200, 'x')).has_value());
  machine.folder.erase(machine.folder.names()[1]);
  CHECK(machine.read(stream).size() == 9 * 201);  // Its file is still open.
  REQUIRE(machine.append(stream, "last").has_value());
  machine.must_start();
  CHECK(machine.was_told("segments missing"));
  CHECK(machine.log->window(machine.stream("a")).head == 10);
}

TEST_CASE("a stored message that can't be read any more is a gap that is told") {
  Machine machine;
  machine.limits.log_hot_bytes_max = 0;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  fill(machine, 5);
  const std::string name = machine.folder.names().front();
  std::string& bytes = machine.folder.bytes(name);
  const std::size_t at = bytes.rfind(std::string("\x2a\x01") + "3");  // field 5, data "3"
  REQUIRE(at != std::string::npos);
  bytes[at + 2] = '8';
  CHECK(machine.read(stream, 1).empty());
  CHECK(machine.was_told("can't be read"));
  CHECK(machine.log->window(stream).oldest == 4);
  CHECK(machine.read(stream, 3) == "4 5 ");
  CHECK(machine.log->stats().corrupt_total == 1);
}

TEST_CASE("the clock put back an hour: nothing is lost, and times do not fall") {
  Machine machine;
  machine.clock.advance(7'200'000);
  machine.must_start();
  fill(machine, 3);
  machine.clock.advance(-3'600'000);
  machine.must_start();
  const StreamId stream = machine.stream("a");
  const auto stored = machine.append(stream, "4");
  CHECK(machine.read(stream) == "1 2 3 4 ");
  CHECK((*stored)[0]->time_ms() == machine.clock.wall_ms() + 3'600'000);
}

TEST_CASE("a quiet channel does not hold old segments") {
  Machine machine;
  machine.seams.segment_bytes = 4'000;
  machine.limits.log_bytes_max = 60'000;
  machine.must_start();
  const StreamId quiet = machine.stream("quiet");
  const auto first = machine.append(quiet, "kept", {.key = KeyUse{{1, 2}, {3, 4}}});
  const StreamId loud =
      machine.stream("loud", {.window_ms = 60'000, .messages_max = 10, .bytes_max = 1 << 20});
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(machine.append(loud, std::string(300, 'x')).has_value());
    if (i % 20 == 0) machine.log->trim();
  }
  machine.log->trim();
  CHECK(machine.folder.total_bytes() < 60'000);
  CHECK(machine.log->stats().moved_total > 0);
  CHECK(machine.read(quiet) == "kept ");
  for (const bool in_order : {false, true}) {
    if (in_order) machine.close();
    machine.must_start();
    CHECK(machine.read(machine.stream("quiet")) == "kept ");
    CHECK(machine.log->window(machine.stream("loud")).head == 2'000);
    const auto known = std::ranges::find(machine.recovered, "quiet", &RecoveredStream::key);
    REQUIRE(known != machine.recovered.end());
    REQUIRE(known->keys.size() == 1);
    CHECK(known->keys[0].first == (*first)[0]->position());
  }
}

TEST_CASE("remembered heads are in the journal, and move with it") {
  Machine machine;
  machine.seams.segment_bytes = 4'000;
  machine.limits.log_bytes_max = 60'000;
  machine.must_start();
  const Retention brief{.window_ms = 10, .messages_max = 10, .bytes_max = 1'000};
  const StreamId once = machine.stream("once", brief);
  const auto stored = machine.append(once, "x");
  machine.clock.advance(10);
  machine.log->trim();
  machine.log->release(once, "once", 3'600'000);
  const StreamId loud = machine.stream("loud", brief);
  for (int i = 0; i < 500; ++i) {
    REQUIRE(machine.append(loud, std::string(300, 'x')).has_value());
    machine.log->trim();
  }
  CHECK(machine.folder.total_bytes() < 60'000);
  machine.close();
  machine.must_start();
  CHECK(machine.log->quiet_window("once").head == 1);
  CHECK(machine.log->quiet_window("once").epoch == (*stored)[0]->epoch());
  machine.clock.advance(3'600'000);
  machine.close();
  machine.must_start();
  CHECK(machine.log->quiet_window("once").head == 0);
  CHECK(machine.log->quiet_window("once").epoch != (*stored)[0]->epoch());
}

TEST_CASE("few older epochs are kept over many kills") {
  Machine machine;
  machine.limits.older_epochs_max = 2;
  std::vector<Position> heads;
  for (int i = 0; i < 5; ++i) {
    machine.must_start();
    const auto stored = machine.append(machine.stream("a"), "x");
    heads.push_back((*stored)[0]->position());
  }
  const ReplayWindow window = machine.log->window(machine.stream("a"));
  CHECK(window.older_epochs.size() == 2);
  CHECK(machine.counters.older_epochs_max > 0);
  CHECK_FALSE(resume_at({.position = heads[3]}, window).gap);
  CHECK(resume_at({.position = heads[0]}, window).gap);
}

TEST_CASE("many starts and kills leave few files") {
  Machine machine;
  for (int i = 0; i < 200; ++i) {
    machine.must_start();
    REQUIRE(machine.append(machine.stream("a"), "x").has_value());
    machine.log->trim();
  }
  CHECK(machine.folder.names().size() < 190);
  CHECK(machine.log->window(machine.stream("a")).head == 200);
}

TEST_CASE("what waits to be written is bounded: more is refused, and told") {
  Machine machine;
  machine.limits.log_pending_bytes_max = 2'000;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  machine.writer.is_inline = false;
  int stored = 0;
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    machine.log->append(stream, {{.type = "t", .data = std::string(500, 'x')}}, {},
                        [&](const Result<std::vector<MessagePtr>>& answer) {
                          answer ? ++stored : ++refused;
                          if (!answer) CHECK(answer.error().code == ErrorCode::LimitReached);
                        });
  }
  CHECK(refused > 10);
  machine.writer.is_inline = true;
  machine.writer.run_all();
  CHECK(stored + refused == 20);
  CHECK(machine.log->window(stream).head == static_cast<unsigned>(stored));
}

TEST_CASE("readable when written, acknowledged when synced") {
  Machine machine;
  machine.must_start();
  const StreamId stream = machine.stream("a");
  machine.syncer.is_inline = false;
  bool is_synced = false;
  bool is_written = false;
  machine.log->append(stream, {{.type = "t", .data = "1"}}, {.ack = AckKind::Synced},
                      [&](const auto&) { is_synced = true; });
  machine.log->append(stream, {{.type = "t", .data = "2"}}, {.ack = AckKind::Written},
                      [&](const auto&) { is_written = true; });
  CHECK(machine.log->window(stream).head == 2);
  CHECK(machine.read(stream) == "1 2 ");
  CHECK(is_written);
  CHECK_FALSE(is_synced);
  bool is_safe = false;
  machine.log->when_safe(AckKind::Synced, [&] { is_safe = true; });
  CHECK_FALSE(is_safe);
  machine.syncer.run_all();
  CHECK(is_synced);
  CHECK(is_safe);
}

}  // namespace
}  // namespace tako::broker
