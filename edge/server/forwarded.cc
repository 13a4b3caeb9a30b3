// Walks the hops from the nearest to the farthest, and believes them as long as they are trusted.
#include "edge/server/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/ascii.h"

namespace tako::edge {
namespace {

constexpr std::array<std::string_view, 5> kForwardedNames = {
    "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip"};

std::vector<std::string_view> list(const http::Headers& headers, std::string_view name) {
  std::vector<std::string_view> elements;
  for (std::string_view value : headers.all(name)) {
    while (true) {
      const std::size_t comma = value.find(',');
      elements.push_back(ascii::trimmed(value.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      value.remove_prefix(comma + 1);
    }
  }
  return elements;
}

// "1.2.3.4", "1.2.3.4:5", "[::1]:5", "::1" as a bare address; nullopt when it is none (`unknown`,
// `_hidden`, garbage).
std::optional<std::string> parse_hop(std::string_view text) {
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2) {
    text = text.substr(1, text.size() - 2);
  }
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  const std::string ip(text);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool is_ip = inet_pton(AF_INET, ip.c_str(), bytes.data()) == 1 ||
                     inet_pton(AF_INET6, ip.c_str(), bytes.data()) == 1;
  return is_ip ? std::optional(ip) : std::nullopt;
}

// The `for` of one element of Forwarded: `for=1.2.3.4;proto=https`.
std::string_view forwarded_for(std::string_view element) {
  while (!element.empty()) {
    const std::size_t semicolon = element.find(';');
    const std::string_view pair = ascii::trimmed(element.substr(0, semicolon));
    if (pair.size() > 4 && http::equal_ignoring_case(pair.substr(0, 4), "for=")) {
      return pair.substr(4);
    }
    if (semicolon == std::string_view::npos) break;
    element.remove_prefix(semicolon + 1);
  }
  return {};
}

std::vector<std::string_view> hops_of(const http::Headers& headers) {
  std::vector<std::string_view> hops = list(headers, "x-forwarded-for");
  if (!hops.empty()) return hops;
  hops = list(headers, "forwarded");
  for (std::string_view& hop : hops) hop = forwarded_for(hop);
  return hops;
}

std::string last_of(const http::Headers& headers, std::string_view name) {
  const std::vector<std::string_view> elements = list(headers, name);
  return elements.empty() ? std::string() : std::string(elements.back());
}

std::string joined(const std::vector<std::string_view>& hops, std::string_view last) {
  std::string out;
  for (const std::string_view hop : hops) {
    if (!hop.empty()) out.append(hop).append(", ");
  }
  return out.append(last);
}

// What may stand between quotes without escapes; anything else is left out, not repaired.
std::string quotable(const std::string& host) {
  return host.find_first_of("\"\\") == std::string::npos ? host : std::string();
}

}  // namespace

ForwardedPolicy::ForwardedPolicy(const std::vector<std::string>& trusted_proxies) {
  for (const std::string& text : trusted_proxies) {
    if (const auto range = config::IpRange::parse(text)) trusted_.push_back(*range);
  }
}

bool ForwardedPolicy::is_trusted(std::string_view ip) const {
  return std::ranges::any_of(trusted_, [ip](const auto& range) { return range.contains(ip); });
}

ClientOrigin ForwardedPolicy::judge(std::string_view peer_ip, const http::Headers& headers) const {
  ClientOrigin origin;
  origin.ip = origin.chain = std::string(peer_ip);
  origin.host = std::string(headers.find("host").value_or(""));
  if (!is_trusted(peer_ip)) {
    origin.has_ignored_headers = std::ranges::any_of(
        kForwardedNames, [&headers](std::string_view name) { return headers.count(name) > 0; });
    return origin;
  }
  const std::vector<std::string_view> hops = hops_of(headers);
  origin.chain = joined(hops, peer_ip);
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const std::optional<std::string> ip = parse_hop(*hop);
    if (!ip) break;
    origin.ip = *ip;
    if (!is_trusted(*ip)) break;
  }
  if (last_of(headers, "x-forwarded-proto") == "https") origin.proto = "https";
  if (std::string host = last_of(headers, "x-forwarded-host"); !host.empty()) {
    origin.host = std::move(host);
  }
  return origin;
}

void set_forwarded(http::Headers& headers, const ClientOrigin& origin) {
  for (const std::string_view name : kForwardedNames) headers.remove(name);
  std::string by_rfc = "for=";
  if (origin.ip.empty()) {
    by_rfc += "unknown";
  } else if (origin.ip.contains(':')) {
    by_rfc.append("\"[").append(origin.ip).append("]\"");
  } else {
    by_rfc += origin.ip;
  }
  by_rfc.append(";proto=").append(origin.proto);
  if (const std::string host = quotable(origin.host); !host.empty()) {
    by_rfc.append(";host=\"").append(host).append("\"");
  }
  headers.add("Forwarded", std::move(by_rfc));
  if (!origin.chain.empty()) headers.add("X-Forwarded-For", origin.chain);
  headers.add("X-Forwarded-Proto", origin.proto);
  if (!origin.host.empty()) headers.add("X-Forwarded-Host", origin.host);
}

}  // namespace tako::edge
