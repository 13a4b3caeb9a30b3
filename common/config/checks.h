// What a configured text must look like; each returns "" when it does, else what is expected.
// Those named optional take the empty text as "none".
#pragma once

#include <string>

namespace tako::config {

[[nodiscard]] std::string check_path(const std::string& text);  // not empty, no control characters
[[nodiscard]] std::string check_socket_path(const std::string& text);  // fits sun_path
[[nodiscard]] std::string check_address(const std::string& text);      // uv::parse_address
[[nodiscard]] std::string check_optional_path(const std::string& text);
[[nodiscard]] std::string check_optional_address(const std::string& text);
[[nodiscard]] std::string check_optional_origin(const std::string& text);  // http::Origin
[[nodiscard]] std::string check_ip_range(const std::string& text);
[[nodiscard]] std::string check_process_name(const std::string& text);  // a file name
[[nodiscard]] std::string check_log_engine(const std::string& text);
[[nodiscard]] std::string check_ack(const std::string& text);
[[nodiscard]] std::string check_log_format(const std::string& text);
[[nodiscard]] std::string check_log_level(const std::string& text);
[[nodiscard]] std::string check_app_id(const std::string& text);      // a DNS label: <app>.tako
[[nodiscard]] std::string check_host(const std::string& text);        // lower case, no port
[[nodiscard]] std::string check_web_origin(const std::string& text);  // scheme://host[:port]
[[nodiscard]] std::string check_key(const std::string& text);         // of an app, no colon
[[nodiscard]] std::string check_secret(const std::string& text);      // usable in a header

}  // namespace tako::config
