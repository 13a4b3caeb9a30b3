// SqliteFile: the rows of a StateStore in one SQLite file.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/state/state_file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tako::broker {

// One table of keys and values, with a write-ahead log beside it (`…-wal`). synchronous=NORMAL: the
// file is whole whatever dies, and a loss of power takes back the last transactions.
class SqliteFile final : public StateFile {
 public:
  using Tell = std::function<void(const std::string& text)>;

  // Makes the file (0600) when it is missing. One that is damaged, or something else, is moved
  // aside
  // (`….damaged`, in place of an earlier one), `warn` is told, and a new one begun. Locks it:
  // another process can't open it meanwhile. Errors: LogUnusable, with what to do.
  [[nodiscard]] static Result<std::unique_ptr<SqliteFile>> open(const std::string& path,
                                                                const Tell& warn);
  SqliteFile() = default;
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  [[nodiscard]] Result<std::vector<StateRow>> read() override;
  [[nodiscard]] Result<void> write(std::span<const StateChange> changes) override;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  // These return SQLite's codes.
  [[nodiscard]] int open_database(const std::string& path);
  [[nodiscard]] int run(const char* sql);
  [[nodiscard]] int check();
  [[nodiscard]] int prepare(const char* sql, Statement& statement);
  [[nodiscard]] int write_row(const StateChange& change);
  [[nodiscard]] Error error(int code) const;

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  Statement put_;  // After the database: they end first.
  Statement erase_;
};

}  // namespace tako::broker
