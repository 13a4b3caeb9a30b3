// The version as CMake knows it.
#include "common/config/version.h"

namespace tako::config {

std::string_view version() { return TAKO_VERSION; }

std::string version_text() {
#ifdef __clang__
  return std::string(version()) + " (" TAKO_BUILD_TYPE ", clang " __clang_version__ ")";
#else
  return std::string(version()) + " (" TAKO_BUILD_TYPE ", g++ " __VERSION__ ")";
#endif
}

}  // namespace tako::config
