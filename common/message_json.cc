// Splices a message's parts into its JSON form.
#include "common/message_json.h"

#include "common/json_text.h"

namespace tako {
namespace {

void append_data(std::string& out, const MessageView& message) {
  switch (message.encoding) {
    case Encoding::Json:
      out += message.data;
      return;
    case Encoding::Text:
      append_json_string(out, message.data);
      return;
    case Encoding::Binary:
      out += '"';
      out += base64_encode(message.data);
      out += '"';
      return;
  }
}

}  // namespace

void append_message_json(std::string& out, const MessageView& message, std::string_view key) {
  out += '{';
  if (message.position.offset != 0) {
    out += R"("id":")";
    out += to_string(message.position);
    out += R"(",)";
  }
  out += R"("channel":)";
  append_json_string(out, message.channel);
  out += R"(,"type":)";
  append_json_string(out, message.type);
  out += R"(,"data":)";
  append_data(out, message);
  if (!key.empty()) {
    out += R"(,"key":)";
    append_json_string(out, key);
  }
  if (!message.subject.empty()) {
    out += R"(,"subject":)";
    append_json_string(out, message.subject);
  }
  if (message.encoding == Encoding::Binary) out += R"(,"encoding":"base64")";
  out += '}';
}

}  // namespace tako
