// WebhookDispatch: the queues of all apps, and the edges that post them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/channel/channel_identity.h"
#include "broker/channel/definitions_registry.h"
#include "broker/webhook/webhook_queue.h"
#include "common/random.h"

namespace tako::broker {

struct WebhookLease {
  std::uint64_t number = 0;
  std::string app;
  std::string body;  // JSON, as it is posted
};

// A linked edge that can post. Registered from its Welcome until the link is gone.
class WebhookPoster {
 public:
  // The answer is WebhookDispatch::on_done. Calls nothing back.
  virtual void post(const WebhookLease& lease) = 0;

 protected:
  ~WebhookPoster() = default;
};

struct WebhookCounters {
  std::uint64_t events_total = 0;
  std::uint64_t batches_total = 0;         // leased
  std::uint64_t batches_failed_total = 0;  // not answered with 2xx
};

// One batch of an app at a time. One that fails is posted again after a pause that grows from one
// second to a minute; one whose edge goes, or says nothing for webhook_lease_ms, at once.
class WebhookDispatch {
 public:
  // All references outlive it.
  WebhookDispatch(const DefinitionsRegistry& definitions, StateStore& state, const Clock& clock,
                  Random& random, const RuntimeLimits& limits, LimitCounters& counters);
  WebhookDispatch(const WebhookDispatch&) = delete;
  WebhookDispatch& operator=(const WebhookDispatch&) = delete;

  // Of an earlier broker, before the first event.
  void restore();

  // What happened on a channel, if its definition wants to tell of it. `info`, `data`: JSON, or
  // empty.
  void channel_occupied(const ChannelIdentity& channel);
  void channel_vacated(const ChannelIdentity& channel);
  void member_entered(const ChannelIdentity& channel, std::string_view subject,
                      std::string_view info, std::string_view data);
  void member_left(const ChannelIdentity& channel, std::string_view subject,
                   std::string_view reason);

  void add(WebhookPoster& poster);
  // Its leases are given back.
  void remove(WebhookPoster& poster);
  // `status`: HTTP; 0: no answer. A lease that is not this poster's is passed over.
  void on_done(WebhookPoster& poster, std::uint64_t lease, std::uint32_t status);
  // From a timer: leases that are over, pauses that are, events that are too old.
  void tick();

  [[nodiscard]] const WebhookCounters& counters() const { return counters_; }
  // Of all apps.
  [[nodiscard]] std::size_t events() const;
  [[nodiscard]] std::uint64_t lost() const;

 private:
  struct App {
    std::unique_ptr<WebhookQueue> queue;
    std::uint64_t lease = 0;  // 0: none
    WebhookPoster* poster = nullptr;
    std::int64_t lease_until_ms = 0;
    std::int64_t retry_at_ms = 0;  // 0: at once
    std::uint32_t failures = 0;    // in a row
  };
  [[nodiscard]] const Definition* told_of(const ChannelIdentity& channel) const;
  void tell(const ChannelIdentity& channel, std::string_view type, std::string_view more = {});
  void lease(const std::string& id, App& app);
  void give_back(App& app);
  [[nodiscard]] std::int64_t pause_ms(std::uint32_t failures);

  const DefinitionsRegistry& definitions_;
  StateStore& state_;
  const Clock& clock_;
  Random& random_;
  const RuntimeLimits& limits_;
  LimitCounters& limit_counters_;
  WebhookCounters counters_;
  std::string life_;
  std::map<std::string, App, std::less<>> apps_;
  std::vector<WebhookPoster*> posters_;
  std::size_t next_poster_ = 0;
  std::uint64_t last_lease_;  // of any earlier broker's: others
};

}  // namespace tako::broker
