// Opens the state's file and reads it whole.
#include "broker/state_disk.h"

#include <utility>

namespace tako::broker {

Result<std::unique_ptr<StateDisk>> StateDisk::open(uv::Loop& loop, const std::string& data_dir,
                                                   Log& log) {
  auto file =
      SqliteFile::open(data_dir + "/state.db", [&log](const std::string& text) { log.warn(text); });
  if (!file) return std::unexpected(std::move(file.error()));
  auto rows = (*file)->read();
  if (!rows) return std::unexpected(std::move(rows.error()));
  return std::make_unique<StateDisk>(loop, std::move(*file), std::move(*rows), log);
}

StateDisk::StateDisk(uv::Loop& loop, std::unique_ptr<SqliteFile> file, std::vector<StateRow> rows,
                     Log& log)
    : file_(std::move(file)),
      writer_(loop),
      store_(*file_, std::move(rows), writer_, loop,
             [&log](const std::string& text) { log.warn(text); }) {}

}  // namespace tako::broker
