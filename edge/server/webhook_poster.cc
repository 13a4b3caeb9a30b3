// One call per lease.
#include "edge/server/webhook_poster.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "common/check.h"
#include "common/http/origin.h"

namespace tako::edge {
namespace {

constexpr std::string_view kWebhookPath = "/channels/events";

// Of a place of its own nobody is told the token that guards the upstream.
std::vector<AppTarget> webhook_targets(const std::vector<config::AppConfig>& apps) {
  std::vector<AppTarget> targets = upstream_targets(apps, kWebhookPath);
  for (std::size_t i = 0; i < apps.size(); ++i) {
    const auto origin = http::Origin::parse(apps[i].webhook_url);
    if (apps[i].webhook_url.empty() || !origin) continue;
    targets[i].origin = apps[i].webhook_url;
    targets[i].headers = {{"Host", origin->host()}};
  }
  return targets;
}

// One batch of an app at a time: so neither of the first two is ever met.
AppCallOptions webhook_options(const RuntimeLimits& limits, std::size_t apps) {
  using C = LimitCounters;
  return {
      .name = "webhook",
      .concurrency = {apps + 1, &C::webhook_timeout_ms},
      .waiting = {apps + 1, &C::webhook_timeout_ms},
      .reply_bytes = {limits::kWebhookReplyBytesMax, &C::webhook_reply_bytes_max},
      .timeout = {std::chrono::milliseconds(limits.webhook_timeout_ms), &C::webhook_timeout_ms}};
}

}  // namespace

std::string webhook_signature(std::string_view secret, std::int64_t wall_ms,
                              std::string_view body) {
  const std::string time = std::to_string(wall_ms);
  const std::string text = time + '.' + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const auto* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  TAKO_CHECK(made != nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string signature = "t=" + time + ",v1=";
  for (std::size_t i = 0; i < size; ++i) {
    signature += kDigits[digest[i] >> 4U];
    signature += kDigits[digest[i] & 0xfU];
  }
  return signature;
}

WebhookPoster::WebhookPoster(uv::Loop& loop, uv::TimerWheel& wheel, const RuntimeLimits& limits,
                             LimitCounters& limit_counters, ServerSideCounters& counters,
                             const std::vector<config::AppConfig>& apps, BrokerPort& broker)
    : clock_(loop),
      counters_(counters),
      apps_(apps),
      broker_(broker),
      calls_(loop, wheel, limits, limit_counters, counters.webhooks_posted, webhook_targets(apps),
             webhook_options(limits, apps.size())) {}

void WebhookPoster::post(WebhookBatch batch) {
  const auto app = std::ranges::find(apps_, batch.app, &config::AppConfig::id);
  AppRequest request{.app = std::move(batch.app), .body = std::move(batch.body)};
  if (app != apps_.end() && !app->secret.empty()) {
    request.headers.add("X-Tako-Signature",
                        webhook_signature(app->secret, clock_.wall_ms(), request.body));
  }
  const std::uint64_t lease = batch.lease;
  auto call = calls_.start(std::move(request), [this, lease](const Result<AppAnswer>& answer) {
    on_answer(lease, answer);
  });
  if (!call) return on_answer(lease, std::unexpected(call.error()));
  posts_.insert_or_assign(lease, *std::move(call));
}

void WebhookPoster::on_answer(std::uint64_t lease, const Result<AppAnswer>& answer) {
  const bool is_taken = answer && answer->status >= 200 && answer->status < 300;
  if (!is_taken) ++counters_.webhooks_failed;
  broker_.webhook_done(lease, answer ? answer->status : 0,
                       answer ? std::string_view() : answer.error().message());
  posts_.erase(lease);  // The call that has called us.
}

}  // namespace tako::edge
