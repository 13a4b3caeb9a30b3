// Written beside, synced, and renamed over the old one.
#include "broker/channel/definitions_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "broker/log/journal_recovery.h"
#include "broker/log/log_files.h"

namespace tako::broker {
namespace {

Error file_error(std::string_view path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  return {.code = is_full ? ErrorCode::LogFull : ErrorCode::LogUnusable,
          .detail =
              describe_file_error("the definitions can't be saved to " + std::string(path), error)};
}

// Returns a number of errno, 0 when done.
int replace_file(const std::string& folder, const std::string& name, std::string_view content) {
  auto opened = PosixLogFolder::open_folder(folder, PosixLogFolder::Access::Makes);
  if (!opened) return opened.error();
  PosixLogFolder& in = **opened;
  const std::string beside = name + ".new";
  static_cast<void>(in.remove(beside));  // of a process that was killed
  auto file = in.create(beside);
  if (!file) return file.error();
  if (const auto written = (*file)->write_at(0, content); !written) return written.error();
  if (const auto synced = (*file)->sync(); !synced) return synced.error();
  if (const auto renamed = in.rename(beside, name); !renamed) return renamed.error();
  if (const auto synced = in.sync(); !synced) return synced.error();
  return 0;
}

}  // namespace

std::string DefinitionsStore::path_of(std::string_view app) const {
  return folder_ + '/' + std::string(app) + ".json";
}

Result<std::optional<std::string>> DefinitionsStore::load(std::string_view app) const {
  const std::string path = path_of(app);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    return fail(ErrorCode::LogUnusable, describe_file_error("can't read " + path, errno));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void DefinitionsStore::save(std::string_view app, std::string json, OnSaved on_saved) {
  auto error = std::make_shared<int>(0);
  worker_.run([error, folder = folder_, name = std::string(app) + ".json",
               json = std::move(json)] { *error = replace_file(folder, name, json); },
              [error, path = path_of(app), is_alive = is_alive_, on_saved = std::move(on_saved)] {
                if (!*is_alive) return;
                on_saved(*error == 0 ? Result<void>() : std::unexpected(file_error(path, *error)));
              });
}

}  // namespace tako::broker
