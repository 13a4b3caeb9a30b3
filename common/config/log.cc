// Formats lines and hands them to spdlog, which stamps and writes them. The only file that knows
// it.
#include "common/config/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <ostream>

#include "common/ascii.h"
#include "common/json_text.h"

namespace tako {
namespace {

constexpr std::string_view kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %v";
constexpr std::string_view kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warn:
      return "warn";
    case LogLevel::Error:
      return "error";
    case LogLevel::Off:
      break;
  }
  return "off";
}

bool is_plain(char c) {
  return ascii::is_alphanumeric(c) ||
         std::string_view("_-./:@+,").find(c) != std::string_view::npos;
}

// U+0080-U+009F are control characters of terminals as well.
bool has_c1_control(std::string_view utf8) {
  for (std::size_t i = 0; i + 1 < utf8.size(); ++i) {
    if (utf8[i] == '\xc2' && static_cast<unsigned char>(utf8[i + 1]) < 0xa0) return true;
  }
  return false;
}

void append_hex(std::string& out, unsigned char byte) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 0xfU];
}

// Quoted, as JSON; bytes that are no good UTF-8 appear as U+00NN each.
void append_quoted(std::string& out, std::string_view text) {
  const bool keeps_utf8 = is_valid_utf8(text) && !has_c1_control(text);
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !keeps_utf8)) {
      out += "\\u00";
      append_hex(out, byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string_view cut(std::string_view text) {
  if (text.size() <= Log::kLogValueMax) return text;
  std::size_t end = Log::kLogValueMax;
  // Not inside a UTF-8 sequence, which would make the rest look like bad bytes.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void append_text(std::string& out, std::string_view text, bool may_be_bare) {
  const std::string_view shown = cut(text);
  const bool is_bare = may_be_bare && !shown.empty() && std::ranges::all_of(shown, is_plain);
  if (is_bare) {
    out += shown;
  } else {
    append_quoted(out, shown);
  }
}

void append_value(std::string& out, const LogField& field, bool is_json) {
  if (const auto* text = std::get_if<std::string_view>(&field.value)) {
    append_text(out, *text, !is_json);
  } else if (const auto* flag = std::get_if<bool>(&field.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*number);
  } else {
    out += std::to_string(std::get<std::uint64_t>(field.value));
  }
}

// The sentence itself is ours, but may hold an error's text: no quotes, control characters escaped.
void append_sentence(std::string& out, std::string_view text) {
  std::string quoted;
  append_quoted(quoted, text);
  out += std::string_view(quoted).substr(1, quoted.size() - 2);
}

std::string text_line(const LogOptions& options, LogLevel level, std::string_view text,
                      Log::Fields fields) {
  std::string line(to_string(level));
  line += ' ';
  append_sentence(line, text);
  if (!options.name.empty()) line += " process=" + options.name;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field, false);
  }
  return line;
}

std::string json_line(const LogOptions& options, LogLevel level, std::string_view text,
                      Log::Fields fields) {
  std::string line = R"("level":")";
  line += to_string(level);
  line += R"(","text":)";
  append_quoted(line, text);
  if (!options.name.empty()) {
    line += R"(,"process":)";
    append_quoted(line, options.name);
  }
  for (const LogField& field : fields) {
    line += ',';
    append_quoted(line, field.key);
    line += ':';
    append_value(line, field, true);
  }
  return line;
}

}  // namespace

struct Log::Writer {
  std::shared_ptr<spdlog::details::thread_pool> thread;  // none: lines are written at once
  std::shared_ptr<spdlog::logger> logger;
};

namespace {

void set_up(spdlog::logger& logger, bool is_json) {
  logger.set_level(spdlog::level::trace);  // Log has decided already
  logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
      std::string(is_json ? kJsonPattern : kTextPattern), spdlog::pattern_time_type::utc));
}

}  // namespace

Log::Log(LogOptions options) : options_(std::move(options)), writer_(std::make_unique<Writer>()) {
  if (options_.level == LogLevel::Off) return;
  writer_->thread = std::make_shared<spdlog::details::thread_pool>(kLogQueueLines, 1);
  writer_->logger = std::make_shared<spdlog::async_logger>(
      "tako", std::make_shared<spdlog::sinks::stderr_sink_mt>(), writer_->thread,
      spdlog::async_overflow_policy::overrun_oldest);
  set_up(*writer_->logger, options_.is_json);
}

Log::Log(LogOptions options, std::ostream& out)
    : options_(std::move(options)), writer_(std::make_unique<Writer>()) {
  writer_->logger = std::make_shared<spdlog::logger>(
      "tako", std::make_shared<spdlog::sinks::ostream_sink_mt>(out, true));
  set_up(*writer_->logger, options_.is_json);
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view text, Fields fields) {
  if (!writer_->logger) return;
  const std::string line = options_.is_json ? json_line(options_, level, text, fields)
                                            : text_line(options_, level, text, fields);
  writer_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t Log::lines_lost() const {
  return writer_->thread ? writer_->thread->overrun_counter() : 0;
}

LogLevel log_level_from(std::string_view word) {
  for (const LogLevel level : {LogLevel::Debug, LogLevel::Warn, LogLevel::Error, LogLevel::Off}) {
    if (to_string(level) == word) return level;
  }
  return LogLevel::Info;
}

}  // namespace tako
