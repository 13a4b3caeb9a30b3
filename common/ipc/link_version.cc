// Where two ranges meet, and the sentence when they don't.
#include "common/ipc/link_version.h"

#include <algorithm>

namespace tako::ipc {
namespace {

std::string describe(const LinkParty& party) {
  std::string text = std::string(party.role);
  if (!party.program.empty()) text += " (" + std::string(party.program) + ")";
  return text + " speaks version " + to_string(party.versions);
}

}  // namespace

std::optional<std::uint32_t> meet(LinkVersions ours, LinkVersions theirs) {
  const bool is_range = theirs.min != 0 && theirs.min <= theirs.max;
  if (!is_range || theirs.max < ours.min || theirs.min > ours.max) return std::nullopt;
  return std::min(ours.max, theirs.max);
}

std::string to_string(LinkVersions versions) {
  std::string text = std::to_string(versions.min);
  if (versions.max != versions.min) text += " to " + std::to_string(versions.max);
  return text;
}

std::string describe_no_meeting(const LinkParty& one, const LinkParty& other) {
  const LinkParty& older = one.versions.max < other.versions.max ? one : other;
  return "the " + describe(one) + " of the link, the " + describe(other) + ": upgrade the " +
         std::string(older.role);
}

}  // namespace tako::ipc
