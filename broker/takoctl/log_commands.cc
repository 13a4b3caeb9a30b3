// Opens the log that the words name, and prints what broker/inspect finds in it.
#include "broker/takoctl/log_commands.h"

#include <expected>
#include <ostream>

#include "broker/inspect/log_dump.h"
#include "broker/inspect/log_snapshot.h"
#include "broker/log/journal_recovery.h"
#include "broker/takoctl/log_report.h"
#include "broker/takoctl/table.h"
#include "common/config/file.h"
#include "common/config/process.h"

namespace tako::takoctl {
namespace {

using broker::JournalRecovery;
using broker::LogSnapshot;
using broker::PosixLogFolder;

int report(const std::string& problem, ExitCode code, Terminal terminal) {
  terminal.errors << "takoctl: " << printable(problem) << '\n';
  return code;
}

std::expected<std::string, std::string> find_data_dir(const LogWords& words) {
  if (!words.data_dir.empty()) return words.data_dir;
  config::Config config;
  if (words.config_file.empty()) return config.broker.data_dir;
  const auto file = config::ConfigFile::read(words.config_file);
  if (!file) return std::unexpected(file.error());
  config::Sources sources;
  config::Problems problems;
  file->apply_keys(config, sources, problems);
  if (!problems.empty()) return std::unexpected(problems.front());
  return config.broker.data_dir;
}

// The log, or nothing, and then `exit_code` says why.
struct Opened {
  std::string path = {};
  std::unique_ptr<LogSnapshot> log = {};
  int exit_code = kExitOk;
};

Opened open_log(const LogWords& words, Terminal terminal) {
  const auto data_dir = find_data_dir(words);
  if (!data_dir) return {.exit_code = report(data_dir.error(), kExitUsage, terminal)};
  raise_open_files_limit();  // every segment is held open
  std::string path = *data_dir + "/log";
  const auto folder = PosixLogFolder::open_folder(path, PosixLogFolder::Access::Reads);
  if (!folder) {
    const int code = report(broker::describe_file_error("the log folder " + path, folder.error()),
                            kExitNobodyThere, terminal);
    terminal.errors << "  Name the broker's folder with --data-dir; it is its user's alone.\n";
    return {.exit_code = code};
  }
  auto log = LogSnapshot::take(**folder);
  if (!log) return {.exit_code = report(log.error().detail, kExitNobodyThere, terminal)};
  return {.path = std::move(path), .log = std::move(*log)};
}

Result<JournalRecovery> recover(LogSnapshot& log) {
  return broker::recover_journal(log, {.repairs = false});
}

int report_unreadable(const Error& error, Terminal terminal) {
  return report(error.detail.empty() ? std::string(error.message()) : error.detail, kExitRefused,
                terminal);
}

}  // namespace

int run_log_check(const LogWords& words, Terminal terminal) {
  const Opened opened = open_log(words, terminal);
  if (opened.log == nullptr) return opened.exit_code;
  const broker::LogCheck check = broker::check_log(*opened.log);
  terminal.out << (words.as_json ? check_as_json(check) + '\n' : check_as_text(check, opened.path));
  return check.is_sound && check.refusal.empty() ? kExitOk : kExitRefused;
}

int run_log_stats(const LogWords& words, std::int64_t now_ms, Terminal terminal) {
  const Opened opened = open_log(words, terminal);
  if (opened.log == nullptr) return opened.exit_code;
  const auto recovery = recover(*opened.log);
  if (!recovery) return report_unreadable(recovery.error(), terminal);
  const broker::LogFilesStats stats = broker::log_stats(*recovery, now_ms);
  terminal.out << (words.as_json ? stats_as_json(stats, words.lists_channels) + '\n'
                                 : stats_as_text(stats, words.lists_channels));
  return kExitOk;
}

int run_log_dump(const LogWords& words, std::int64_t now_ms, Terminal terminal) {
  std::optional<Cursor> after;
  if (!words.after.empty()) {
    const auto parsed = parse_cursor(words.after);
    if (!parsed) return report("--after is no message id", kExitUsage, terminal);
    after = *parsed;
  }
  const Opened opened = open_log(words, terminal);
  if (opened.log == nullptr) return opened.exit_code;
  broker::DumpFilter filter{.app = words.app, .channel = words.channel};
  if (words.limit > 0) filter.limit = words.limit;
  const auto print = [&terminal](std::string_view line) {
    terminal.out << line << '\n';
    return terminal.out.good();
  };
  if (words.is_raw) {
    const auto dumped = broker::dump_records(*opened.log, filter, print);
    return dumped ? kExitOk : report_unreadable(dumped.error(), terminal);
  }
  const auto recovery = recover(*opened.log);
  if (!recovery) return report_unreadable(recovery.error(), terminal);
  const auto dumped = broker::dump_messages(*recovery, filter, after, now_ms, print);
  return dumped ? kExitOk : report_unreadable(dumped.error(), terminal);
}

}  // namespace tako::takoctl
