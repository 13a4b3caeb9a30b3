// Prints presence. The JSON that app and clients gave was checked and minified: it is spliced in.
#include "edge/adapters/native_presence_encoder.h"

#include <string>
#include <string_view>

#include "common/json_text.h"
#include "edge/adapters/native_encoder.h"
#include "edge/session/ws_frame.h"

namespace tako::edge {
namespace {

constexpr std::string_view kPresence = "tako.presence";
constexpr std::string_view kOccupancy = "tako.occupancy";

// `"subject":…` and what there is of the rest, without braces.
void append_member(std::string& out, const PresenceMember& member) {
  out += R"("subject":)";
  append_json_string(out, member.subject);
  if (!member.info.empty()) out.append(R"(,"info":)").append(member.info);
  if (!member.data.empty()) out.append(R"(,"data":)").append(member.data);
  out.append(R"(,"since":)").append(std::to_string(member.since_ms));
}

void append_change(std::string& out, const PresenceChange& change) {
  out += R"({"action":")";
  out += to_string(change.action);
  out += R"(",)";
  if (change.action == PresenceAction::Leave) {
    out += R"("subject":)";
    append_json_string(out, change.member.subject);
    out += R"(,"reason":")";
    out += to_string(change.reason);
    out += '"';
  } else {
    append_member(out, change.member);
  }
  out += '}';
}

std::string list_json(const PresenceVersion& version, const PresenceMembers& members) {
  std::string json = R"({"version":")" + to_string(version) + R"(","members":[)";
  for (const auto& [subject, member] : members) {
    json += json.back() == '}' ? ",{" : "{";
    append_member(json, member);
    json += '}';
  }
  return json += "]}";
}

std::string changes_json(const PresenceChanges& changes) {
  std::string json = R"({"after":")" + to_string(changes.after);
  json += R"(","version":")" + to_string(changes.version) + R"(","changes":[)";
  for (const PresenceChange& change : changes.changes) {
    if (json.back() == '}') json += ',';
    append_change(json, change);
  }
  return json += "]}";
}

std::string counts_json(const PresenceCounts& counts) {
  return R"({"connections":)" + std::to_string(counts.connections) + R"(,"subjects":)" +
         std::to_string(counts.subjects) + "}";
}

SharedBytes frame(std::string_view type, std::string_view data, const ChannelIdentity& channel) {
  std::string json;
  json.reserve(data.size() + channel.key.size() + 64);
  json.append(R"({"type":")").append(type).append(R"(","data":)").append(data);
  json += R"(,"key":)";
  append_json_string(json, channel.key);
  json += '}';
  return make_text_frame(json);
}

SharedBytes block(std::string_view type, std::string_view data, bool chunked) {
  std::string text;
  text.reserve(data.size() + 64);
  text.append("event: ").append(type).append("\ndata: ").append(data).append("\n\n");
  return make_sse_block(text, chunked);
}

}  // namespace

SharedBytes NativeWsPresenceEncoder::list(const PresenceVersion& version,
                                          const PresenceMembers& members,
                                          const ChannelIdentity& channel) const {
  return frame(kPresence, list_json(version, members), channel);
}

SharedBytes NativeWsPresenceEncoder::changes(const PresenceChanges& changes,
                                             const ChannelIdentity& channel) const {
  return frame(kPresence, changes_json(changes), channel);
}

SharedBytes NativeWsPresenceEncoder::counts(const PresenceCounts& counts,
                                            const ChannelIdentity& channel) const {
  return frame(kOccupancy, counts_json(counts), channel);
}

SharedBytes NativeSsePresenceEncoder::list(const PresenceVersion& version,
                                           const PresenceMembers& members,
                                           const ChannelIdentity& /*channel*/) const {
  return block(kPresence, list_json(version, members), chunked_);
}

SharedBytes NativeSsePresenceEncoder::changes(const PresenceChanges& changes,
                                              const ChannelIdentity& /*channel*/) const {
  return block(kPresence, changes_json(changes), chunked_);
}

SharedBytes NativeSsePresenceEncoder::counts(const PresenceCounts& counts,
                                             const ChannelIdentity& /*channel*/) const {
  return block(kOccupancy, counts_json(counts), chunked_);
}

}  // namespace tako::edge
