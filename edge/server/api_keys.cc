// Constant-time comparison by OpenSSL; a table of addresses with a list of their ages.
#include "edge/server/api_keys.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

#include "common/check.h"
#include "common/http/headers.h"

namespace tako::edge {
namespace {

using Digest = std::array<unsigned char, 32>;

// Digests have one length, so that the comparison tells nothing of the secret's.
Digest digest_of(std::string_view text) {
  Digest digest{};
  TAKO_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
             1);
  return digest;
}

}  // namespace

bool is_app_key(std::string_view authorization, const std::vector<config::AppKey>& keys) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size() ||
      !http::equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  const Digest given = digest_of(authorization.substr(kScheme.size()));
  bool is_known = false;
  for (const config::AppKey& pair : keys) {
    const Digest wanted = digest_of(pair.key + ":" + pair.secret);
    is_known |= CRYPTO_memcmp(given.data(), wanted.data(), wanted.size()) == 0;
  }
  return is_known;
}

// An IPv6 client owns a /64 at least: that is one address here.
std::string KeyFailures::address_of(std::string_view ip) {
  std::string text(ip);
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  return {bytes.data(), bytes.size() / 2};
}

bool KeyFailures::is_current(const Entry& entry) const {
  return clock_.monotonic_ms() - entry.began_ms < kWindowMs;
}

std::int64_t KeyFailures::blocked_for_ms(std::string_view ip) const {
  const auto found = by_address_.find(address_of(ip));
  if (found == by_address_.end()) return 0;
  const Entry& entry = *found->second;
  if (!is_current(entry) || entry.failures < failures_max_) return 0;
  return entry.began_ms + kWindowMs - clock_.monotonic_ms();
}

void KeyFailures::note(std::string_view ip) {
  const std::string address = address_of(ip);
  if (const auto found = by_address_.find(address); found != by_address_.end()) {
    if (is_current(*found->second)) {
      ++found->second->failures;
      return;
    }
    entries_.erase(found->second);
    by_address_.erase(found);
  }
  if (entries_.size() == kAddressesMax) {
    by_address_.erase(entries_.front().address);
    entries_.pop_front();
  }
  entries_.push_back({address, clock_.monotonic_ms(), 1});
  by_address_.emplace(address, std::prev(entries_.end()));
}

}  // namespace tako::edge
