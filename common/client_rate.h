// ClientRate: how many messages a second clients may send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/limits.h"
#include "common/result.h"

namespace tako {

// Messages a second, each with a burst of two seconds' worth; 0: no limit.
struct ClientRate {
  std::int64_t connection = limits::kClientRateConnectionDefault;
  std::int64_t subject = limits::kClientRateSubjectDefault;
  std::int64_t channel = limits::kClientRateChannelDefault;

  friend bool operator==(const ClientRate&, const ClientRate&) = default;
};

// `raw`: {"connection"?,"subject"?,"channel"?}, whole numbers. Errors: DefinitionInvalid.
// `skips_unknown`: for what a newer version wrote.
[[nodiscard]] Result<ClientRate> parse_client_rate(std::string_view raw, bool skips_unknown);
[[nodiscard]] std::string to_json(const ClientRate& rate);

}  // namespace tako
