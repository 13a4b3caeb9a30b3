// A list in the order of first use, and an index by key.
#include "broker/channel/idempotency_table.h"

#include <openssl/evp.h>

#include <cstring>
#include <memory>
#include <utility>

#include "common/check.h"

namespace tako::broker {
namespace {

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void add(EVP_MD_CTX* context, std::string_view bytes) {
  TAKO_CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

}  // namespace

Digest digest_of(const std::vector<std::string_view>& pieces) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context{EVP_MD_CTX_new()};
  TAKO_CHECK(context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  for (const std::string_view piece : pieces) {
    const std::uint64_t size = piece.size();
    add(context.get(), {reinterpret_cast<const char*>(&size), sizeof size});
    add(context.get(), piece);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  TAKO_CHECK(EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1);
  Digest digest{};
  std::memcpy(digest.data(), hash.data(), sizeof digest);
  return digest;
}

IdempotencyTable::Looked IdempotencyTable::look(const Digest& key, const Digest& body) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {.use = Use::First};
  const Entry& entry = *found->second;
  if (entry.body != body) return {.use = Use::Reused};
  if (entry.in_flight) return {.use = Use::InFlight};
  return {.use = Use::Repeated, .position = entry.position};
}

void IdempotencyTable::begin(const Digest& key, const Digest& body, std::int64_t now_ms) {
  entries_.push_back({.key = key, .body = body, .first_used_ms = now_ms});
  const bool is_new = by_key_.emplace(key, std::prev(entries_.end())).second;
  TAKO_CHECK(is_new);
}

void IdempotencyTable::restore(const RecoveredKey& key) {
  entries_.push_back({.key = key.use.key,
                      .body = key.use.body,
                      .position = key.first,
                      .first_used_ms = key.used_ms,
                      .in_flight = false});
  if (!by_key_.emplace(key.use.key, std::prev(entries_.end())).second) entries_.pop_back();
}

void IdempotencyTable::wait(const Digest& key, OnFirstDone on_done) {
  const auto found = by_key_.find(key);
  TAKO_CHECK(found != by_key_.end() && found->second->in_flight);
  found->second->waiting.push_back(std::move(on_done));
}

void IdempotencyTable::done(const Digest& key, const Result<Position>& outcome) {
  const auto found = by_key_.find(key);
  TAKO_CHECK(found != by_key_.end() && found->second->in_flight);
  const std::vector<OnFirstDone> waiting = std::exchange(found->second->waiting, {});
  if (outcome) {
    found->second->position = *outcome;
    found->second->in_flight = false;
  } else {
    entries_.erase(found->second);
    by_key_.erase(found);
  }
  for (const OnFirstDone& on_done : waiting) on_done(outcome);
}

std::size_t IdempotencyTable::expire(std::int64_t oldest_ms) {
  std::size_t expired = 0;
  for (auto entry = entries_.begin();
       entry != entries_.end() && entry->first_used_ms <= oldest_ms;) {
    if (entry->in_flight) {
      ++entry;
      continue;
    }
    by_key_.erase(entry->key);
    entry = entries_.erase(entry);
    ++expired;
  }
  return expired;
}

}  // namespace tako::broker
