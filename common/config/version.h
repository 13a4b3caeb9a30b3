// Which version this is.
#pragma once

#include <string>
#include <string_view>

namespace tako::config {

[[nodiscard]] std::string_view version();  // "0.1.0"
[[nodiscard]] std::string version_text();  // "0.1.0 (Release, g++ 12.2.0)"

}  // namespace tako::config
