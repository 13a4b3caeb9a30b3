// Says in an operator's words why a folder can't be used.
#include "broker/log_disk.h"

#include <cerrno>
#include <utility>

#include "broker/log/journal_recovery.h"

namespace tako::broker {
namespace {

Error folder_error(const std::string& path, int error) {
  if (error == EWOULDBLOCK) {
    return {.code = ErrorCode::LogUnusable,
            .detail = "another tako-broker uses " + path +
                      ": stop it, or give this one a --data-dir of its own"};
  }
  std::string text = describe_file_error("the log folder " + path + " can't be used", error);
  if (error == EACCES || error == EROFS || error == EPERM) {
    text +=
        ": make it writable for this user, choose another --data-dir, or keep messages in "
        "memory only with --log memory";
  }
  return {.code = ErrorCode::LogUnusable, .detail = std::move(text)};
}

}  // namespace

Result<std::unique_ptr<LogDisk>> LogDisk::open(uv::Loop& loop, const std::string& data_dir,
                                               Log& log, std::function<void()> on_failed) {
  const std::string path = data_dir + "/log";
  auto folder = PosixLogFolder::open_folder(path, PosixLogFolder::Access::Owns);
  if (!folder) return std::unexpected(folder_error(path, folder.error()));
  return std::make_unique<LogDisk>(loop, std::move(*folder), log, std::move(on_failed));
}

LogDisk::LogDisk(uv::Loop& loop, std::unique_ptr<PosixLogFolder> folder, Log& log,
                 std::function<void()> on_failed)
    : folder_(std::move(folder)),
      writer_(loop),
      syncer_(loop),
      reader_(loop),
      seams_{.folder = *folder_,
             .writer = writer_,
             .syncer = syncer_,
             .reader = reader_,
             .info = [&log](const std::string& text) { log.info(text); },
             .warn = [&log](const std::string& text) { log.warn(text); },
             .on_failed =
                 [&log, on_failed = std::move(on_failed)](const std::string& text) {
                   log.error("the log failed, nothing more can be acknowledged; ending",
                             {{"cause", text}});
                   on_failed();
                 }} {}

}  // namespace tako::broker
