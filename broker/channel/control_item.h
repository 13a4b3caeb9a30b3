// ControlItem: one numbered change of the control stream.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "broker/channel/revocation.h"

namespace tako::broker {

// The definitions of one app, whole.
struct DefinitionsChange {
  std::string app;
  std::uint64_t version = 0;
  std::string json;  // {"definitions":[…]}
};

struct ControlItem {
  std::uint64_t number = 0;  // from 1 within ControlStream::id()
  std::variant<DefinitionsChange, Revocation> change;

  // Null when it is the other.
  [[nodiscard]] const DefinitionsChange* definitions() const {
    return std::get_if<DefinitionsChange>(&change);
  }
  [[nodiscard]] const Revocation* revocation() const { return std::get_if<Revocation>(&change); }
};

}  // namespace tako::broker
