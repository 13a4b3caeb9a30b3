// The formats that a schema may demand of a string, each after its RFC.
#pragma once

#include <string_view>

namespace tako {

using FormatCheck = bool (*)(std::string_view text);

// date, time, date-time (RFC 3339: a zone is needed), email (RFC 5321 without quoting and address
// literals), hostname (RFC 1123), ipv4, ipv6 (RFC 4291, no zone), uri (RFC 3986, with a scheme),
// uuid (RFC 4122). nullptr for any other name.
[[nodiscard]] FormatCheck find_format(std::string_view name);

}  // namespace tako
