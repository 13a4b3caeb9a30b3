// The native event stream: one channel, from the app's permission to the end of the connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "edge/adapters/channel_plan.h"
#include "edge/adapters/native_request.h"
#include "edge/session/lifetimes.h"
#include "edge/session/subscription.h"

namespace tako::edge {

// What differs between two event streams.
struct SseOptions {
  bool is_chunked = true;  // HTTP/1.1
  bool tells_events =
      false;  // `_events=1`: gaps and refusals as events that an EventSource can read
};

// Drives the stream once it is open.
class NativeSse final : public ClientHandler, public SubscriptionOwner {
 public:
  // Hears how the opening ends, once; then the stream is on its own.
  class Opener {
   public:
    virtual ~Opener() = default;
    virtual void on_ready() = 0;
    virtual void on_refused(const Error& error) = 0;
  };

  NativeSse(EdgeServices& services, SseOptions options, Opener& opener)
      : services_(services), options_(options), opener_(&opener), subscription_(services, *this) {}

  // For a stream that another process has opened; on_restored() follows.
  NativeSse(EdgeServices& services, SseOptions options)
      : services_(services), options_(options), opener_(nullptr), subscription_(services, *this) {}

  // Asks for the channel. The opener may be called from within.
  void subscribe(SubscriptionRequest request) { subscription_.open(std::move(request)); }

  void on_open(ClientConnection& connection) override;
  void on_text(std::string_view) override {}  // A stream has one direction.
  void on_binary(std::string_view) override {}
  void on_room() override { subscription_.pump(); }
  void on_deadline() override;
  void on_drain(std::int64_t retry_ms) override;
  void on_closed() override;
  // native_sse_record.cc
  [[nodiscard]] Movability movability() const override;
  void save(proto::ClientRecord& record) const override;
  void on_restored(ClientConnection& connection, const proto::ClientRecord& record) override;

 private:
  void on_subscribed(Subscription& subscription, const Start& start) override;
  void on_gap(Subscription& subscription, const Gap& gap) override;
  void on_ended(Subscription& subscription, const Error& error) override;
  void on_granted_again(Subscription& subscription) override;

  void send_block(std::string_view block);
  void send_gap(const Gap& gap);
  void send_retry(std::int64_t retry_ms);
  void arm();
  void close(ErrorCode code);

  EdgeServices& services_;
  SseOptions options_;
  Opener* opener_;  // until it is ready or refused
  ClientConnection* connection_ = nullptr;
  ConnectionTimes times_;
  std::unique_ptr<Start> start_;  // until it was told
  Subscription subscription_;
};

// The request for a stream: answered when the subscription stands, or is refused.
class SseRequest final : public NativeRequest, public NativeSse::Opener {
 public:
  SseRequest(EdgeServices& services, NativeRequests& owner,
             std::shared_ptr<const ClientRequest> request, HttpExchange& exchange, std::string name)
      : NativeRequest(services, owner, std::move(request), exchange), name_(std::move(name)) {}

 private:
  void start() override;
  void on_no_link(const Error& error) override { on_refused(error); }
  void cancel() override { stream_.reset(); }
  void on_ready() override;
  void on_refused(const Error& error) override;
  [[nodiscard]] SseOptions options() const;

  std::string name_;
  std::unique_ptr<NativeSse> stream_;
};

}  // namespace tako::edge
