// Log: lines about what the process does, for its operator; text or JSON on stderr.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace tako {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error, Off };

// One key=value of a line. Borrows its text for the time of the call. Never a payload, a token, a
// cookie or a query: those who log choose ids, counts, codes and addresses.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, bool> value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  template <typename Number>
    requires(std::is_integral_v<Number> && !std::is_same_v<Number, bool>)
  LogField(std::string_view k, Number number) : key(k) {
    if constexpr (std::is_signed_v<Number>) {
      value = static_cast<std::int64_t>(number);
    } else {
      value = static_cast<std::uint64_t>(number);
    }
  }
};

struct LogOptions {
  LogLevel level = LogLevel::Info;
  bool is_json = false;
  std::string name = {};  // of this process, in every line (`edge.1`); "" leaves it out
};

// Values are escaped, so no peer can forge a line or steer a terminal, and cut at kLogValueMax.
// A level that is off costs one comparison. Lines are written by a thread of the log's own, because
// a full pipe behind stderr must not stop the loop; what does not fit its queue is counted, and the
// oldest go. Any thread may log. Destroying the log writes what is queued.
class Log {
 public:
  static constexpr std::size_t kLogValueMax = 512;  // bytes of one value
  static constexpr std::size_t kLogQueueLines = 8'192;

  explicit Log(LogOptions options);  // to stderr
  // For tests: to `out`, at once.
  Log(LogOptions options, std::ostream& out);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] bool is_on(LogLevel level) const noexcept { return level >= options_.level; }

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view text, Fields fields = {}) { log(LogLevel::Debug, text, fields); }
  void info(std::string_view text, Fields fields = {}) { log(LogLevel::Info, text, fields); }
  void warn(std::string_view text, Fields fields = {}) { log(LogLevel::Warn, text, fields); }
  void error(std::string_view text, Fields fields = {}) { log(LogLevel::Error, text, fields); }
  void log(LogLevel level, std::string_view text, Fields fields) {
    if (is_on(level)) write(level, text, fields);
  }

  // Lines that the queue had no room for.
  [[nodiscard]] std::uint64_t lines_lost() const;

 private:
  struct Writer;
  void write(LogLevel level, std::string_view text, Fields fields);

  LogOptions options_;
  std::unique_ptr<Writer> writer_;
};

// From the configuration's words: debug, info, warn, error, off. Unknown: Info.
[[nodiscard]] LogLevel log_level_from(std::string_view word);

}  // namespace tako
