// Splits request targets.
#include "common/http/message.h"

namespace tako::http {

namespace {

// "http://host/a?b" without "http://host"; other forms as they are.
std::string_view without_authority(std::string_view target) noexcept {
  if (target.starts_with('/') || target == "*") return target;
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return target;
  const std::size_t end = target.find_first_of("/?", scheme + 3);
  return end == target.npos ? std::string_view{} : target.substr(end);
}

}  // namespace

std::string_view RequestHead::path() const noexcept {
  const std::string_view rest = without_authority(target);
  const std::string_view path = rest.substr(0, rest.find('?'));
  return path.empty() ? std::string_view("/") : path;
}

std::string_view RequestHead::query() const noexcept {
  const std::string_view rest = without_authority(target);
  const std::size_t mark = rest.find('?');
  return mark == rest.npos ? std::string_view{} : rest.substr(mark + 1);
}

std::string_view RequestHead::host() const noexcept {
  return headers.find("host").value_or(std::string_view{});
}

}  // namespace tako::http
