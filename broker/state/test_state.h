// TestState: a state that outlives the store's owner, in a test.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/state/state_store.h"

namespace tako::broker {

// Everything is written at once, unless it is held. Outlives the brokers: each next one restores
// what is there.
class TestState final : public StateStore {
 public:
  [[nodiscard]] std::vector<StateRow> restore(std::string_view prefix) override {
    std::vector<StateRow> given;
    for (const auto& [key, value] : rows) {
      if (key.starts_with(prefix)) given.push_back({key, value});
    }
    return given;
  }
  void put(std::string key, std::string value) override { rows[std::move(key)] = std::move(value); }
  void erase(std::string key) override { rows.erase(key); }
  void when_written(OnWritten on_written) override {
    if (!is_holding) return on_written({});
    held_.push_back(std::move(on_written));
  }
  void let_through(const Result<void>& result = {}) {
    for (const OnWritten& on_written : std::exchange(held_, {})) on_written(result);
  }
  void tick() override {}
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return true; }

  std::map<std::string, std::string> rows;
  bool is_holding = false;

 private:
  std::vector<OnWritten> held_;
  StateCounters counters_;
};

}  // namespace tako::broker
