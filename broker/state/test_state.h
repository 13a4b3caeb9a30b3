// TestState: a state that outlives the store's owner, in a test.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/state/state_store.h"

namespace tako::broker {

// Everything is written at once. Outlives the brokers: each next one restores what is there.
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
  void when_written(OnWritten on_written) override { on_written({}); }
  void tick() override {}
  [[nodiscard]] std::size_t waiting() const override { return 0; }
  [[nodiscard]] const StateCounters& counters() const override { return counters_; }
  [[nodiscard]] bool is_durable() const override { return true; }

  std::map<std::string, std::string> rows;

 private:
  StateCounters counters_;
};

}  // namespace tako::broker
