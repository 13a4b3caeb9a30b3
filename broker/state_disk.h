// StateDisk: the state's file in the data folder, and the thread that writes it.
#pragma once

#include <memory>
#include <string>

#include "broker/state/batched_store.h"
#include "broker/state/sqlite_file.h"
#include "common/config/log.h"
#include "common/result.h"
#include "common/uv/loop.h"
#include "common/uv/worker_thread.h"

namespace tako::broker {

class StateDisk {
 public:
  // Opens `<data_dir>/state.db`; the log's folder is taken already, so no other broker uses it.
  // Errors: LogUnusable, with what to do.
  [[nodiscard]] static Result<std::unique_ptr<StateDisk>> open(uv::Loop& loop,
                                                               const std::string& data_dir,
                                                               Log& log);
  StateDisk(uv::Loop& loop, std::unique_ptr<SqliteFile> file, std::vector<StateRow> rows, Log& log);

  [[nodiscard]] StateStore& store() { return store_; }

 private:
  std::unique_ptr<SqliteFile> file_;  // First: the thread uses it to its end.
  uv::WorkerThread writer_;           // Its own: a write waits for the disk now and then.
  BatchedStore store_;
};

}  // namespace tako::broker
