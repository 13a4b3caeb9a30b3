// DefinitionsStore: keeps what apps have put, so that a restarted broker knows it at once.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/worker.h"

namespace tako::broker {

// One file for each app, `<app>.json` in one folder: the body of the last PUT.
class DefinitionsStore {
 public:
  using OnSaved = std::function<void(Result<void>)>;

  // `folder` is made when it is missing (0700). `worker` outlives this.
  DefinitionsStore(std::string folder, Worker& worker)
      : folder_(std::move(folder)), worker_(worker) {}
  ~DefinitionsStore() { *is_alive_ = false; }
  DefinitionsStore(const DefinitionsStore&) = delete;
  DefinitionsStore& operator=(const DefinitionsStore&) = delete;

  // At the start, before the loop runs. nullopt: nothing was saved. Errors: LogUnusable.
  [[nodiscard]] Result<std::optional<std::string>> load(std::string_view app) const;
  // Calls back when the file is on the disk, in the order of the calls; the file is the old one or
  // the new one, whenever the process ends. Errors: LogFull, LogUnusable.
  void save(std::string_view app, std::string json, OnSaved on_saved);

 private:
  [[nodiscard]] std::string path_of(std::string_view app) const;

  std::string folder_;
  Worker& worker_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace tako::broker
