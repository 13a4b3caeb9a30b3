// Puts a message's JSON behind a frame header or into an event block.
#include "edge/adapters/native_encoder.h"

#include <charconv>
#include <string>

#include "common/message_json.h"
#include "edge/session/ws_frame.h"

namespace tako::edge {
namespace {

MessageView view_of(const Message& message, const ChannelIdentity& channel) {
  return {.position = message.position,
          .channel = channel.name,
          .type = message.type,
          .data = message.data,
          .encoding = message.encoding,
          .subject = message.subject};
}

}  // namespace

SharedBytes NativeWsEncoder::encode(const Message& message, const ChannelIdentity& channel) const {
  std::string json;
  append_message_json(json, view_of(message, channel),
                      with_key_ ? std::string_view(channel.key) : std::string_view());
  return make_text_frame(json);
}

SharedBytes NativeSseEncoder::encode(const Message& message, const ChannelIdentity& channel) const {
  std::string block;
  if (message.position.offset != 0) block += "id: " + to_string(message.position) + "\n";
  block += "data: ";
  append_message_json(block, view_of(message, channel));
  block += "\n\n";
  return make_sse_block(block, chunked_);
}

SharedBytes make_sse_block(std::string_view block, bool chunked) {
  if (!chunked) return SharedBytes(block);
  char size[16];  // hexadecimal digits of 64 bits
  const auto [end, error] = std::to_chars(std::begin(size), std::end(size), block.size(), 16);
  return SharedBytes({std::string_view(size, end), "\r\n", block, "\r\n"});
}

}  // namespace tako::edge
