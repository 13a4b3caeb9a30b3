// JsonLine: one JSON object, member by member, safe to print to a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/log/stored_message.h"

namespace tako::broker {

class JsonLine {
 public:
  JsonLine& text(std::string_view name, std::string_view value);
  JsonLine& number(std::string_view name, std::uint64_t value);
  JsonLine& flag(std::string_view name, bool value);
  // As `2026-01-31T12:00:00.000Z`.
  JsonLine& time(std::string_view name, std::int64_t unix_ms);
  // `json` if that is what it is, else its bytes as text.
  JsonLine& json(std::string_view name, std::string_view json);
  // A message's type, data, subject and encoding, as on the wire.
  JsonLine& message(const StoredMessage& message);
  // The object. The line is used up.
  [[nodiscard]] std::string take();

 private:
  void begin_member(std::string_view name);
  std::string out_ = "{";
};

// `2026-01-31T12:00:00.000Z`; the number itself where the calendar ends.
[[nodiscard]] std::string utc_time(std::int64_t unix_ms);

}  // namespace tako::broker
