// BatchedStore: the StateStore over a file: changes wait while a write is under way, and go
// together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/state/state_file.h"
#include "broker/state/state_store.h"
#include "common/clock.h"
#include "common/worker.h"

namespace tako::broker {

//   put, put, put ──▶ waiting, by key ──worker free──▶ one transaction ──▶ written
//                         ▲                                  │
//                         └── failed: under what was said since, tried again a second later
class BatchedStore final : public StateStore {
 public:
  using Tell = std::function<void(const std::string& text)>;

  // `rows`: what the file has. All references outlive the store; the worker may still write what it
  // was given when the store is gone.
  BatchedStore(StateFile& file, std::vector<StateRow> rows, Worker& worker, const Clock& clock,
               Tell warn);
  ~BatchedStore() override { *is_alive_ = false; }
  BatchedStore(const BatchedStore&) = delete;
  BatchedStore& operator=(const BatchedStore&) = delete;

  [[nodiscard]] std::vector<StateRow> restore(std::string_view prefix) override;
  void put(std::string key, std::string value) override;
  void erase(std::string key) override;
  void when_written(OnWritten on_written) override;
  void tick() override;
  [[nodiscard]] std::size_t waiting() const override;
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return true; }

 private:
  struct Write;
  void say(std::string key, std::optional<std::string> value);
  void begin_write();
  void end_write(Write& write);
  void take_back(Write& write);

  StateFile& file_;
  Worker& worker_;
  const Clock& clock_;
  Tell warn_;
  StateCounters counters_;
  std::vector<StateRow> recovered_;  // not given out yet, by key
  std::map<std::string, std::optional<std::string>> waiting_;
  std::vector<OnWritten> on_written_;  // of what waits
  std::shared_ptr<Write> under_way_;   // null: the worker is free
  std::int64_t retry_at_ms_ = 0;       // not 0: the last write failed
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace tako::broker
