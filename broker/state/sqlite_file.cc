// Speaks to SQLite; nobody else does.
#include "broker/state/sqlite_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <utility>

namespace tako::broker {
namespace {

constexpr int kBusyMs = 1'000;  // someone looks into it

// EXCLUSIVE before WAL: the index of the write-ahead log needs no file then.
constexpr const char* kSetUp =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=16777216;"
    "CREATE TABLE IF NOT EXISTS state(key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

bool is_damaged(int code) { return code == SQLITE_CORRUPT || code == SQLITE_NOTADB; }

std::string column(sqlite3_stmt* statement, int index) {
  const void* bytes = sqlite3_column_blob(statement, index);  // null when it is empty
  const int size = sqlite3_column_bytes(statement, index);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

// An empty blob, not NULL, for an empty text.
int bind_bytes(sqlite3_stmt* statement, int index, std::string_view bytes) {
  return sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                             SQLITE_STATIC);
}

int step_and_reset(sqlite3_stmt* statement) {
  const int stepped = sqlite3_step(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return stepped == SQLITE_DONE ? SQLITE_OK : stepped;
}

// The write-ahead log belongs to the file: beside a new one it would be applied to that.
bool move_aside(const std::string& path) {
  const std::string aside = path + ".damaged";
  for (const std::string_view suffix : {"-wal", "-shm", ""}) {
    const std::string from = path + std::string(suffix);
    const std::string to = aside + std::string(suffix);
    static_cast<void>(::unlink(to.c_str()));
    const bool is_moved = ::rename(from.c_str(), to.c_str()) == 0;
    if (suffix.empty() && !is_moved) return false;
  }
  return true;
}

// SQLite's own files take over the rights of this one.
void make_private(const std::string& path) {
  const int made = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
}

}  // namespace

void SqliteFile::CloseDatabase::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void SqliteFile::FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& path, const Tell& warn) {
  make_private(path);
  auto file = std::make_unique<SqliteFile>();
  int code = file->open_database(path);
  if (is_damaged(code)) {
    const std::string why = sqlite3_errstr(code);
    file = std::make_unique<SqliteFile>();
    if (move_aside(path)) {
      warn("the state in " + path + " is damaged (" + why + "): moved to " + path +
           ".damaged; members and what else was to outlive the broker begin anew");
      make_private(path);
      code = file->open_database(path);
    }
  }
  if (code != SQLITE_OK) return std::unexpected(file->error(code));
  return file;
}

int SqliteFile::open_database(const std::string& path) {
  path_ = path;
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  database_.reset(opened);  // Also after a failure.
  if (code != SQLITE_OK) return code;
  sqlite3_busy_timeout(opened, kBusyMs);
  if (const int set_up = run(kSetUp); set_up != SQLITE_OK) return set_up;
  if (const int checked = check(); checked != SQLITE_OK) return checked;
  const int prepared = prepare(
      "INSERT INTO state(key, value) VALUES(?1, ?2) "
      "ON CONFLICT(key) DO UPDATE SET value = ?2",
      put_);
  return prepared == SQLITE_OK ? prepare("DELETE FROM state WHERE key = ?1", erase_) : prepared;
}

int SqliteFile::run(const char* sql) {
  return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
}

int SqliteFile::check() {
  Statement statement;
  if (const int code = prepare("PRAGMA quick_check(1)", statement); code != SQLITE_OK) return code;
  const int stepped = sqlite3_step(statement.get());
  if (stepped != SQLITE_ROW) return stepped;
  return column(statement.get(), 0) == "ok" ? SQLITE_OK : SQLITE_CORRUPT;
}

int SqliteFile::prepare(const char* sql, Statement& statement) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql, -1, &prepared, nullptr);
  statement.reset(prepared);
  return code;
}

Result<std::vector<StateRow>> SqliteFile::read() {
  Statement statement;
  if (const int code = prepare("SELECT key, value FROM state ORDER BY key", statement);
      code != SQLITE_OK) {
    return std::unexpected(error(code));
  }
  std::vector<StateRow> rows;
  while (true) {
    const int stepped = sqlite3_step(statement.get());
    if (stepped == SQLITE_DONE) return rows;
    if (stepped != SQLITE_ROW) return std::unexpected(error(stepped));
    rows.push_back({column(statement.get(), 0), column(statement.get(), 1)});
  }
}

Result<void> SqliteFile::write(std::span<const StateChange> changes) {
  int code = run("BEGIN IMMEDIATE");
  for (const StateChange& change : changes) {
    if (code != SQLITE_OK) break;
    code = write_row(change);
  }
  if (code == SQLITE_OK) code = run("COMMIT");
  if (code == SQLITE_OK) return {};
  const Error failed = error(code);
  // Which a full disk may have done already: then there is none to take back.
  static_cast<void>(run("ROLLBACK"));
  return std::unexpected(failed);
}

int SqliteFile::write_row(const StateChange& change) {
  sqlite3_stmt* statement = change.value ? put_.get() : erase_.get();
  int code = bind_bytes(statement, 1, change.key);
  if (code == SQLITE_OK && change.value) code = bind_bytes(statement, 2, *change.value);
  return code == SQLITE_OK ? step_and_reset(statement) : code;
}

Error SqliteFile::error(int code) const {
  const int primary = code & 0xFF;  // The rest says where exactly.
  std::string text = "the state in " + path_ + ": " + sqlite3_errstr(code);
  if (primary == SQLITE_BUSY) text += ": another process uses it";
  if (primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY || primary == SQLITE_PERM) {
    text += ": make the folder writable for this user, or choose another --data-dir";
  }
  return {.code = primary == SQLITE_FULL ? ErrorCode::LogFull : ErrorCode::LogUnusable,
          .detail = std::move(text)};
}

}  // namespace tako::broker
