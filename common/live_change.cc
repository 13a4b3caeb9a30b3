// Judges live subscriptions by new definitions.
#include "common/live_change.h"

#include "common/channel_name.h"

namespace tako {

LiveChange judge_live(const Definition* before, const Definition* after, std::string_view name,
                      const Params& params) {
  if (after == nullptr) return LiveChange::Removed;
  // Values go through their text, which is what a reconnecting client would send.
  std::map<std::string, std::string, std::less<>> text;
  for (const auto& [param, value] : params) text.emplace(param, canonical_text(value));
  const auto typed = after->params_schema->check_text(text);
  if (!typed) return LiveChange::ParamsInvalid;
  if (before == nullptr) return LiveChange::KeyChanged;
  if (make_channel_key(name, before->partition_of(params)) !=
      make_channel_key(name, after->partition_of(*typed))) {
    return LiveChange::KeyChanged;
  }
  return before->auth == after->auth ? LiveChange::Same : LiveChange::AuthChanged;
}

}  // namespace tako
