// Which paths and hosts are never reachable from outside: decided on a normalised copy.
#pragma once

#include <string>
#include <string_view>

namespace tako::edge {

// The path as the most lenient app might read it: percent-decoded once, `\` as `/`, `.` and `..`
// removed (RFC 3986 5.2.4), repeated and trailing slashes dropped, lower case. For decisions only;
// what is proxied keeps its bytes.
[[nodiscard]] std::string normalized_path(std::string_view raw_path);

// `/channels/authorize`, `/channels/dispatch`, `/channels/events`: only the edge itself calls them.
[[nodiscard]] bool is_callback_path(std::string_view normalized);
// `/_tako` and what is below it: the edge's own, never the app's.
[[nodiscard]] bool is_own_path(std::string_view normalized);

// Host header without port and trailing dot, lower case.
[[nodiscard]] std::string normalized_host(std::string_view host);
// `<app>.tako`: what the edge calls itself towards the app.
[[nodiscard]] bool is_callback_host(std::string_view normalized);

}  // namespace tako::edge
