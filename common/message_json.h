// The one JSON form of a message on every native wire: {"id","channel","type","data",…}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/position.h"

namespace tako {

enum class Encoding : std::uint8_t { Json = 0, Text = 1, Binary = 2 };

// A message's parts by reference. `position.offset` 0: ephemeral, printed without `id`.
struct MessageView {
  Position position;
  std::string_view channel;  // the name alone
  std::string_view type;
  std::string_view data;  // Json: minified text; Text: UTF-8; Binary: bytes
  Encoding encoding = Encoding::Json;
  std::string_view subject{};  // empty: the app published it, not printed
};

// {"id","channel","type","data"} and then, where it applies, "key" (rich dialect; empty: left out),
// "subject", "encoding":"base64". Data is spliced, never printed anew.
void append_message_json(std::string& out, const MessageView& message, std::string_view key = {});

}  // namespace tako
