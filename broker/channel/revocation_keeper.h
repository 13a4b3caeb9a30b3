// RevocationKeeper: hears what a RevocationLog keeps, so that it outlives the broker.
#pragma once

#include <cstdint>
#include <string>

#include "broker/channel/revocation.h"

namespace tako::broker {

class RevocationKeeper {
 public:
  virtual ~RevocationKeeper() = default;
  virtual void keep(std::uint64_t number, const Revocation& revocation) = 0;
  virtual void forget(std::uint64_t number) = 0;
  // In place of all of the app that were forgotten: whoever has not applied `number` asks anew
  // about what was granted before `at_ms`.
  virtual void pass_over(const std::string& app, std::uint64_t number, std::int64_t at_ms) = 0;
};

}  // namespace tako::broker
