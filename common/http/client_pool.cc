// Gives requests to connections: an idle one, a new one, or the next that becomes free.
#include "common/http/client_pool.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/limits.h"
#include "common/uv/connector.h"

namespace tako::http {

ClientPoolOptions::ClientPoolOptions()
    : connections_max(limits::kUpstreamConnectionsMax),
      idle_max(limits::kUpstreamIdleMax),
      waiting_max(limits::kUpstreamWaitingMax),
      connect_timeout(limits::kUpstreamConnectMs),
      wait_timeout(limits::kUpstreamWaitMs),
      idle_timeout(limits::kUpstreamIdleMs) {}

namespace {

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

bool is_replayable(const ClientRequest& request) {
  const bool is_kept = std::holds_alternative<ClientRequest::NoBody>(request.body) ||
                       std::holds_alternative<std::string>(request.body);
  return is_kept && request.is_replayable.value_or(is_idempotent(request.method));
}

bool is_streamed(const ClientRequest& request) {
  return std::holds_alternative<ClientRequest::Length>(request.body) ||
         std::holds_alternative<ClientRequest::Chunked>(request.body);
}

}  // namespace

class ClientPool::Impl final : private ClientConnectionOwner {
 public:
  class Request;

  Impl(uv::Loop& loop, uv::TimerWheel& wheel, Origin origin, ClientPoolOptions options)
      : loop_(loop),
        wheel_(wheel),
        origin_(std::move(origin)),
        options_(options),
        pump_(loop, [this] { pump(); }) {}
  ~Impl() { TAKO_CHECK(request_count_ == 0); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::size_t connections() const { return connections_.size() + connectors_.size(); }
  // A request that gets a connection which is idle, or may still be made, does not wait for one.
  [[nodiscard]] bool has_room() const {
    const std::size_t busy = connections_.size() - idle_.size();
    const std::size_t free = options_.connections_max - std::min(busy, options_.connections_max);
    return waiting_.size() < free + options_.waiting_max;
  }

  uv::Loop& loop_;
  uv::TimerWheel& wheel_;
  const Origin origin_;
  const ClientPoolOptions options_;
  ClientPoolCounters counters_;
  std::list<Request*> waiting_;
  std::size_t request_count_ = 0;

  // Served at the end of the turn, so that no observer is called from inside start().
  void enqueue(Request& request, bool in_front);
  void schedule() { pump_.schedule(); }

 private:
  void on_idle(ClientConnection& connection, bool is_reusable) override;
  void on_dead(ClientConnection& connection) override;
  void on_expired(ClientConnection& connection) override;
  void on_stale(ClientConnection& connection, ResponseObserver& observer) override;

  void pump();
  void connect();
  void on_connected(uv::Connector* connector, Result<std::unique_ptr<uv::Stream>> result);
  void bury(ClientConnection& connection);

  std::unordered_map<ClientConnection*, std::unique_ptr<ClientConnection>> connections_;
  std::vector<ClientConnection*> idle_;  // The last used is used next: the others may go.
  std::unordered_map<uv::Connector*, std::unique_ptr<uv::Connector>> connectors_;
  std::vector<std::unique_ptr<ClientConnection>> dead_;  // Freed by pump(), outside their frames.
  uv::TurnEndTask pump_;
};

// One request: waits in the list, then sits on a connection, and passes on what comes.
class ClientPool::Impl::Request final : public ClientExchange, public ResponseObserver {
 public:
  Request(Impl& pool, ClientRequest request, ResponseObserver& observer)
      : pool_(pool),
        request_(std::move(request)),
        observer_(observer),
        fail_later_(pool.loop_, [this] { fail(refusal_); }) {
    ++pool_.request_count_;
    ++pool_.counters_.requests;
    if (request_.total_timeout.count() > 0) {
      pool_.wheel_.arm(total_deadline_, request_.total_timeout);
    }
  }
  ~Request() override {
    detach();
    --pool_.request_count_;
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  // ClientExchange
  bool write_body(std::string_view piece) override {
    if (connection_ == nullptr) return true;
    const bool has_room = connection_->write_body(piece);
    if (!has_room) ++pool_.counters_.write_pauses;
    arm_head_deadline();
    return has_room;
  }
  void end_body() override {
    if (connection_ == nullptr) return;
    connection_->end_body();
    arm_head_deadline();
  }
  void pause_response() override {
    if (connection_ != nullptr) connection_->pause_response();
  }
  void resume_response() override {
    if (connection_ != nullptr) connection_->resume_response();
  }
  Upgraded take_stream() override {
    TAKO_CHECK(connection_ != nullptr);
    Upgraded upgraded;
    upgraded.stream = std::exchange(connection_, nullptr)->take_stream(upgraded.unread);
    end();
    return upgraded;
  }

  // For the pool.
  void assign(ClientConnection& connection) {
    leave_list();
    connection_ = &connection;
    connection.send(request_, *this);
    arm_head_deadline();
    if (is_streamed(request_)) observer_.on_request_writable();  // May destroy *this.
  }
  void fail(const Error& error) {
    if (error.code == ErrorCode::UpstreamTimeout) ++pool_.counters_.timeouts;
    detach();
    observer_.on_failed(error);  // May destroy *this.
  }
  void fail_later(Error error) {
    refusal_ = std::move(error);
    fail_later_.schedule();
  }
  // The connection died before an answer. True: waits for another one.
  [[nodiscard]] bool can_retry() {
    connection_ = nullptr;
    head_deadline_.cancel();
    return is_replayable(request_) && !std::exchange(was_retried_, true);
  }
  void note_listed(std::list<Request*>::iterator place) {
    place_ = place;
    if (!wait_deadline_.is_armed()) pool_.wheel_.arm(wait_deadline_, pool_.options_.wait_timeout);
  }

 private:
  // ResponseObserver
  void on_response(ResponseHead head) override {
    head_deadline_.cancel();
    if (head.status == 101) total_deadline_.cancel();
    observer_.on_response(std::move(head));
  }
  void on_response_body(std::span<const std::byte> piece) override {
    observer_.on_response_body(piece);
  }
  void on_response_end() override {
    connection_ = nullptr;
    end();
    observer_.on_response_end();
  }
  void on_failed(const Error& error) override {
    connection_ = nullptr;
    // The only time that a connection itself measures.
    if (error.code == ErrorCode::UpstreamTimeout) ++pool_.counters_.write_timeouts;
    fail(error);
  }
  void on_request_writable() override { observer_.on_request_writable(); }

  void on_wait_deadline() {
    ++pool_.counters_.wait_timeouts;
    time_out("no connection to the upstream became free");
  }
  void on_head_deadline() {
    ++pool_.counters_.head_timeouts;
    time_out("the upstream did not answer");
  }
  void on_total_deadline() { time_out("the upstream took too long"); }
  void time_out(std::string_view why) {
    Error error;
    error.code = ErrorCode::UpstreamTimeout;
    error.detail = std::string(why) + " in time";
    fail(error);
  }

  // The time to the head counts from the end of the request: an upload may take as long as it
  // makes progress.
  void arm_head_deadline() {
    const bool is_due = request_.head_timeout.count() > 0 && connection_ != nullptr &&
                        connection_->is_request_sent() && !head_deadline_.is_armed();
    if (is_due) pool_.wheel_.arm(head_deadline_, request_.head_timeout);
  }
  void leave_list() {
    if (place_) pool_.waiting_.erase(*std::exchange(place_, std::nullopt));
    wait_deadline_.cancel();
  }
  void end() {
    head_deadline_.cancel();
    total_deadline_.cancel();
    fail_later_.cancel();
  }
  void detach() {
    leave_list();
    end();
    if (connection_ != nullptr) std::exchange(connection_, nullptr)->cancel();
  }

  Impl& pool_;
  const ClientRequest request_;
  ResponseObserver& observer_;
  ClientConnection* connection_ = nullptr;
  std::optional<std::list<Request*>::iterator> place_;
  Error refusal_;
  uv::TurnEndTask fail_later_;
  uv::MemberDeadline<Request, &Request::on_wait_deadline> wait_deadline_{*this};
  uv::MemberDeadline<Request, &Request::on_head_deadline> head_deadline_{*this};
  uv::MemberDeadline<Request, &Request::on_total_deadline> total_deadline_{*this};
  bool was_retried_ = false;
};

void ClientPool::Impl::enqueue(Request& request, bool in_front) {
  request.note_listed(waiting_.insert(in_front ? waiting_.begin() : waiting_.end(), &request));
  schedule();
}

void ClientPool::Impl::pump() {
  dead_.clear();
  while (!waiting_.empty() && !idle_.empty()) {
    ClientConnection& connection = *idle_.back();
    idle_.pop_back();
    if (connection.requests() > 0) ++counters_.reused;
    waiting_.front()->assign(connection);  // May call back: lists may have changed.
  }
  while (connectors_.size() < waiting_.size() && connections() < options_.connections_max) {
    connect();
  }
  if (connectors_.size() < waiting_.size()) ++counters_.full_turns;
}

void ClientPool::Impl::connect() {
  ++counters_.connects;
  // The callback names its connector, which the constructor can't know yet.
  auto self = std::make_shared<uv::Connector*>(nullptr);
  auto connector =
      std::make_unique<uv::Connector>(loop_, origin_.address, options_.connect_timeout,
                                      [this, self](Result<std::unique_ptr<uv::Stream>> result) {
                                        on_connected(*self, std::move(result));
                                      });
  *self = connector.get();
  connectors_.emplace(connector.get(), std::move(connector));
}

void ClientPool::Impl::on_connected(uv::Connector* connector,
                                    Result<std::unique_ptr<uv::Stream>> result) {
  connectors_.erase(connector);
  schedule();
  if (result) {
    ClientConnectionOwner& owner = *this;  // Here, where the private base is known.
    auto connection = std::make_unique<ClientConnection>(*std::move(result), wheel_, owner);
    ClientConnection* added = connection.get();
    connections_.emplace(added, std::move(connection));
    idle_.push_back(added);
    added->expire_after(options_.idle_timeout);
    return;
  }
  ++counters_.connect_failures;
  if (result.error().code == ErrorCode::UpstreamTimeout) ++counters_.connect_timeouts;
  // The one that has waited longest is told; the others have connects of their own.
  if (!waiting_.empty()) waiting_.front()->fail(result.error());
}

void ClientPool::Impl::on_idle(ClientConnection& connection, bool is_reusable) {
  const bool is_kept = is_reusable && (idle_.size() < options_.idle_max || !waiting_.empty());
  if (!is_kept) {
    if (is_reusable) ++counters_.idle_closed;
    bury(connection);
    return;
  }
  idle_.push_back(&connection);
  connection.expire_after(options_.idle_timeout);
  if (!waiting_.empty()) schedule();
}

void ClientPool::Impl::on_dead(ClientConnection& connection) { bury(connection); }

void ClientPool::Impl::on_expired(ClientConnection& connection) {
  ++counters_.idle_expired;
  bury(connection);
}

void ClientPool::Impl::on_stale(ClientConnection& connection, ResponseObserver& observer) {
  auto& request = static_cast<Request&>(observer);  // We gave it to the connection.
  bury(connection);
  // The upstream has restarted, most likely: the other idle connections are as dead.
  while (!idle_.empty()) bury(*idle_.back());
  if (request.can_retry()) {
    ++counters_.stale_retries;
    enqueue(request, true);
    return;
  }
  Error error;
  error.code = ErrorCode::UpstreamUnavailable;
  error.detail = "the upstream closed the connection before it answered";
  request.fail(error);
}

void ClientPool::Impl::bury(ClientConnection& connection) {
  std::erase(idle_, &connection);
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;  // Buried already in this turn.
  dead_.push_back(std::move(found->second));
  connections_.erase(found);
  schedule();
}

ClientPool::ClientPool(uv::Loop& loop, uv::TimerWheel& wheel, Origin origin,
                       ClientPoolOptions options)
    : impl_(std::make_unique<Impl>(loop, wheel, std::move(origin), options)) {}

ClientPool::~ClientPool() = default;

std::unique_ptr<ClientExchange> ClientPool::start(ClientRequest request,
                                                  ResponseObserver& observer) {
  auto exchange = std::make_unique<Impl::Request>(*impl_, std::move(request), observer);
  if (impl_->has_room()) {
    impl_->enqueue(*exchange, false);
    return exchange;
  }
  ++impl_->counters_.waiting_refused;
  Error error{ErrorCode::LimitReached};
  error.detail = "too many requests wait for the upstream";
  error.retry_after_ms = limits::kHttpRetryAfterMs;
  exchange->fail_later(std::move(error));
  return exchange;
}

const Origin& ClientPool::origin() const noexcept { return impl_->origin_; }

const ClientPoolCounters& ClientPool::counters() const noexcept { return impl_->counters_; }

std::size_t ClientPool::waiting() const noexcept { return impl_->waiting_.size(); }

std::size_t ClientPool::connections() const noexcept { return impl_->connections(); }

}  // namespace tako::http
