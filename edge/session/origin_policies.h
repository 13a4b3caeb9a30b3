// OriginPolicies: each app's origin policy; an app without one allows the same host only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "edge/session/origin_policy.h"

namespace tako::edge {

class OriginPolicies {
 public:
  void set(std::string app, OriginPolicy policy) {
    by_app_.insert_or_assign(std::move(app), std::move(policy));
  }
  [[nodiscard]] const OriginPolicy& of(std::string_view app) const {
    const auto found = by_app_.find(app);
    return found == by_app_.end() ? same_host_ : found->second;
  }

 private:
  std::map<std::string, OriginPolicy, std::less<>> by_app_;
  OriginPolicy same_host_{{}};
};

}  // namespace tako::edge
