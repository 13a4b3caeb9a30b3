// TestBroker: a broker's parts without sockets, with a clock that the test turns. For tests only.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/channel/channel_table.h"
#include "broker/channel/control_stream.h"
#include "broker/channel/definitions_registry.h"
#include "broker/channel/publisher.h"
#include "broker/cluster/cluster_engine.h"
#include "broker/log/log_engines.h"
#include "broker/log/test_disk.h"

namespace tako::broker {

// Holds appends back until the test lets them through, or lets them fail: as a disk would.
class HeldCluster final : public ClusterEngine {
 public:
  explicit HeldCluster(LogEngine& log) : log_(log) {}

  void append(StreamId stream, const std::vector<MessageDraft>& batch, const AppendOptions& options,
              OnAppended on_appended) override {
    if (!is_holding) return log_.append(stream, batch, options, std::move(on_appended));
    held_.push_back({stream, batch, options, std::move(on_appended)});
  }
  void let_through() {
    for (Held& held : std::exchange(held_, {})) {
      log_.append(held.stream, held.batch, held.options, std::move(held.on_appended));
    }
  }
  void let_fail(ErrorCode code) {
    for (Held& held : std::exchange(held_, {})) held.on_appended(fail(code));
  }

  bool is_holding = false;

 private:
  struct Held {
    StreamId stream;
    std::vector<MessageDraft> batch;
    AppendOptions options;
    OnAppended on_appended;
  };
  LogEngine& log_;
  std::vector<Held> held_;
};

// Counts what it is told, and looks like a reader to the channel.
class CountingSink final : public Sink {
 public:
  void on_appended() override { ++appended; }
  void on_ephemeral(const MessagePtr& message) override { ephemeral.push_back(message); }

  int appended = 0;
  std::vector<MessagePtr> ephemeral;
};

struct TestBroker {
  static constexpr std::string_view kDefinitions = R"({"definitions":[
    {"name":"chat","auth":false,"replayWindowMs":60000,"paramsSchema":{"type":"object","properties":
      {"roomId":{"type":"string"},"limit":{"type":"integer"},"via":{"type":"string"}}},
      "contextParams":["via"]},
    {"name":"feed","auth":false,"maxMessages":3},
    {"name":"brief:*","auth":false,"replayWindowMs":100,"inactivityTtlMs":500}]})";

  // `disk`: the log is there, and goes on with what an earlier TestBroker has left; null: in
  // memory.
  explicit TestBroker(RuntimeLimits changed = {}, TestDisk* disk = nullptr)
      : random(disk == nullptr ? 3 : disk->next_seed()),
        limits(changed),
        disk_seams(seams_of(disk)) {
    registry.put("default", kDefinitions, [](const Result<DefinitionsPut>& put) {
      CAPTURE((put ? std::string_view() : put.error().message()));
      REQUIRE(put.has_value());
    });
    table.restore();
  }

  static ChannelIdentity channel(const std::string& name) {
    return {.app = "default", .name = name, .key = name, .params_json = "{}"};
  }
  static PublishRequest request(const std::string& name, const std::string& data,
                                const std::string& key = {}) {
    return {.channel = channel(name), .message = {.type = "t", .data = data, .message_id = key}};
  }
  // One publish that is answered at once.
  Result<Published> publish(PublishRequest wanted) {
    std::optional<Result<Published>> answer;
    publisher.publish(std::move(wanted),
                      [&answer](Result<Published> published) { answer = std::move(published); });
    REQUIRE(answer.has_value());
    return *answer;
  }
  Result<Published> publish(const std::string& name, const std::string& data,
                            const std::string& key = {}) {
    return publish(request(name, data, key));
  }
  // Enough for every bounded piece of housekeeping to have come round.
  void tick_around() {
    for (int i = 0; i < 3; ++i) table.tick();
    control.tick();
  }

  FakeClock clock;
  SeededRandom random;
  RuntimeLimits limits;
  LimitCounters counters;
  std::optional<DiskSeams> disk_seams;
  std::unique_ptr<LogEngine> log =
      find_log_engine(disk_seams ? "disk" : "memory")
          ->make({clock, random, limits, counters, disk_seams ? &*disk_seams : nullptr})
          .value();
  HeldCluster cluster{*log};
  ControlStream control{77, clock, limits, counters};
  DefinitionsRegistry registry{{"default", "other"}, control, counters};
  ChannelTable table{*log, registry, clock, limits, counters};
  Publisher publisher{table, cluster, registry, clock, limits, counters};

 private:
  static std::optional<DiskSeams> seams_of(TestDisk* disk) {
    if (disk == nullptr) return std::nullopt;
    return disk->seams();
  }
};

}  // namespace tako::broker
