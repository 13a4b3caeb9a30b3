// Fakes at the session's seams: a client's connection, an HTTP exchange, the app; and an edge built
// around them, with a broker of one thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "edge/fanout/testing/fake_broker.h"
#include "edge/session/broker_events.h"
#include "edge/session/client.h"
#include "edge/session/guarded_authorizer.h"
#include "edge/session/services.h"
#include "proto/handoff.pb.h"

namespace tako::edge::testing {

// The payload of one unmasked text frame; nullopt when the bytes are not exactly one.
[[nodiscard]] inline std::optional<std::string> text_of_frame(std::string_view frame) {
  if (frame.size() < 2 || frame[0] != static_cast<char>(0x81)) return std::nullopt;
  std::size_t header = 2;
  std::size_t length = static_cast<unsigned char>(frame[1]);
  if (length > 125) {
    const std::size_t bytes = length == 126 ? 2 : 8;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      length = length << 8U | static_cast<unsigned char>(frame.at(2 + i));
    }
    header += bytes;
  }
  if (frame.size() != header + length) return std::nullopt;
  return std::string(frame.substr(header));
}

class FakeConnection final : public ClientConnection {
 public:
  explicit FakeConnection(const Clock& clock)
      : clock_(clock), last_received_ms_(clock.monotonic_ms()), last_sent_ms_(last_received_ms_) {}

  void open(std::unique_ptr<ClientHandler> handler) {
    handler_ = std::move(handler);
    handler_->on_open(*this);
  }
  // ---- What the client does ----
  void say(std::string_view text) {
    last_received_ms_ = clock_.monotonic_ms();
    if (is_open()) handler_->on_text(text);
  }
  void say_binary(std::string_view bytes) {
    if (is_open()) handler_->on_binary(bytes);
  }
  void pong() { last_received_ms_ = clock_.monotonic_ms(); }
  void read_all() {
    room = SIZE_MAX;
    if (is_open()) handler_->on_room();
  }
  // As a WebSocket that is closed with 1000.
  void say_goodbye() {
    if (is_open()) handler_->on_goodbye();
    hang_up();
  }
  void hang_up() {
    if (auto handler = std::move(handler_)) handler->on_closed();
  }
  // ---- What the server does ----
  // The client passes to another process: packed here, and later restored there.
  [[nodiscard]] proto::ClientRecord pack() {
    proto::ClientRecord record;
    record.set_app("default");
    handler_->save(record);
    handler_.reset();
    return record;
  }
  void restore(ClientProtocol& protocol, const proto::ClientRecord& record) {
    handler_ = protocol.restore(record);
    handler_->on_restored(*this, record);
  }
  void run_deadline() {
    if (!is_open() || deadline_ms == 0 || deadline_ms > clock_.monotonic_ms()) return;
    deadline_ms = 0;
    handler_->on_deadline();
  }
  void drain(std::int64_t retry_ms) {
    if (is_open()) handler_->on_drain(retry_ms);
  }
  [[nodiscard]] Movability movability() const {
    return handler_ ? handler_->movability() : Movability::Never;
  }
  // The end of the loop turn: a connection that was closed lets its handler go.
  void end_turn() {
    if (closed || aborted) hang_up();
  }
  [[nodiscard]] bool is_open() const { return handler_ != nullptr && !closed && !aborted; }
  // WebSocket: the texts of all frames.
  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const std::string& frame : frames) out.push_back(text_of_frame(frame).value_or("?"));
    return out;
  }
  // Event stream: all bytes.
  [[nodiscard]] std::string bytes() const {
    std::string out;
    for (const std::string& frame : frames) out += frame;
    return out;
  }

  // ---- ClientConnection ----
  void send(const SharedBytes& frame) override {
    if (closed || aborted) return;
    frames.emplace_back(frame.view());
    last_sent_ms_ = clock_.monotonic_ms();
    if (room > 0) --room;
  }
  void send_control(const SharedBytes& frame) override {
    ++controls;
    send(frame);
  }
  [[nodiscard]] bool has_room() const override { return room > 0; }
  void keepalive() override { ++keepalives; }
  [[nodiscard]] std::int64_t last_received_ms() const override { return last_received_ms_; }
  [[nodiscard]] std::int64_t last_sent_ms() const override { return last_sent_ms_; }
  void set_deadline(std::int64_t monotonic_ms) override { deadline_ms = monotonic_ms; }
  [[nodiscard]] bool send_all() override { return !is_stuck; }
  void drop_and_close(ErrorCode code, std::string_view reason = {}) override {
    dropped = is_open() && is_stuck;
    close(code, reason);
  }
  void close(ErrorCode code, std::string_view reason = {}) override {
    if (closed || aborted) return;
    closed = code;
    close_reason = reason;
  }
  void abort() override { aborted = true; }

  std::vector<std::string> frames;
  std::size_t room = SIZE_MAX;  // frames until it is full
  std::size_t controls = 0;
  std::size_t keepalives = 0;
  std::int64_t deadline_ms = 0;
  std::optional<ErrorCode> closed;
  std::string close_reason;
  bool aborted = false;
  bool is_stuck = false;  // the kernel takes nothing of what is queued
  bool dropped = false;   // what was queued did not leave

 private:
  const Clock& clock_;
  std::int64_t last_received_ms_;
  std::int64_t last_sent_ms_;
  std::unique_ptr<ClientHandler> handler_;
};

class FakeExchange final : public HttpExchange {
 public:
  explicit FakeExchange(const Clock& clock) : connection(clock) {}

  void respond(int answer_status, Headers answer_headers, std::string answer_body) override {
    status = answer_status;
    headers = std::move(answer_headers);
    body = std::move(answer_body);
  }
  void refuse(const Error& refusal) override {
    status = refusal.info().http_status;
    error = refusal;
  }
  Result<void> accept_event_stream(std::unique_ptr<ClientHandler> handler) override {
    if (is_full) return fail(ErrorCode::LimitReached);
    status = 200;
    connection.open(std::move(handler));
    return {};
  }
  Result<void> accept_websocket(std::string_view chosen,
                                std::unique_ptr<ClientHandler> handler) override {
    if (is_full) return fail(ErrorCode::LimitReached);
    status = 101;
    subprotocol = chosen;
    connection.open(std::move(handler));
    return {};
  }
  void on_gone(std::move_only_function<void()> callback) override { gone_ = std::move(callback); }
  void go_away() {
    if (status == 0 && gone_) std::exchange(gone_, nullptr)();
  }

  FakeConnection connection;
  int status = 0;  // 0: not answered yet
  Headers headers;
  std::string body;
  std::optional<Error> error;
  std::string subprotocol = "none";
  bool is_full = false;  // as a server at its limit, which destroys the handler at once

 private:
  std::move_only_function<void()> gone_;
};

// The app: answers each call when run() is called, by what `decide` says.
class FakeAuthorizer final : public Authorizer {
 public:
  std::unique_ptr<Ticket> authorize(AuthorizeCall call, Reply reply) override {
    calls.push_back(call);
    auto pending = std::make_shared<Pending>();
    pending->call = std::move(call);
    pending->reply = std::move(reply);
    waiting_.push_back(pending);
    return std::make_unique<FakeTicket>(pending);
  }
  void forget_app(std::string_view app) override { forgotten.emplace_back(app); }
  void run() {
    while (!waiting_.empty()) {
      const std::shared_ptr<Pending> pending = waiting_.front();
      waiting_.pop_front();
      if (pending->is_cancelled) continue;
      Reply reply = std::move(pending->reply);
      reply(decide(pending->call));
    }
  }

  std::vector<AuthorizeCall> calls;
  std::vector<std::string> forgotten;
  std::function<Result<Grant>(const AuthorizeCall&)> decide = [](const AuthorizeCall&) {
    return Result<Grant>(Grant{});
  };

 private:
  struct Pending {
    AuthorizeCall call;
    Reply reply;
    bool is_cancelled = false;
  };
  class FakeTicket final : public Ticket {
   public:
    explicit FakeTicket(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
    ~FakeTicket() override { pending_->is_cancelled = true; }

   private:
    std::shared_ptr<Pending> pending_;
  };
  std::deque<std::shared_ptr<Pending>> waiting_;
};

// The app's handler: answers each call when run() is called, by what `decide` says.
class FakeDispatcher final : public Dispatcher {
 public:
  Result<std::unique_ptr<Ticket>> dispatch(DispatchCall call, Reply reply) override {
    if (refusal) return std::unexpected(*refusal);
    calls.push_back(call);
    waiting_.push_back({std::move(call), std::move(reply)});
    return std::make_unique<Ticket>();
  }
  // The oldest one.
  bool run_one() {
    if (waiting_.empty()) return false;
    Pending pending = std::move(waiting_.front());
    waiting_.pop_front();
    pending.reply(decide(pending.call));
    return true;
  }
  void run() {
    while (!is_slow && run_one()) {
    }
  }

  std::vector<DispatchCall> calls;
  std::function<Result<DispatchAnswer>(const DispatchCall&)> decide = [](const DispatchCall&) {
    return Result<DispatchAnswer>(DispatchAnswer{.action = DispatchAction::Fanout});
  };
  std::optional<Error> refusal;
  bool is_slow = false;  // run() answers nothing, run_one() does

 private:
  struct Pending {
    DispatchCall call;
    Reply reply;
  };
  std::deque<Pending> waiting_;
};

// An edge without sockets. `encoders` come from the protocols under test.
class FakeEdge {
 public:
  explicit FakeEdge(const Encoders& encoders, const PresenceEncoders& presence_encoders)
      : hub{broker, clock, encoders, limits, limit_counters},
        presence{broker, clock, presence_encoders, limits, limit_counters} {
    broker.set_events(events);
  }
  // Both the broker and the app answer all that waits.
  void run() {
    for (int i = 0; i < 8; ++i) {
      broker.run();
      authorizer.run();
      dispatcher.run();
    }
  }
  void advance(std::int64_t ms) {
    clock.advance(ms);
    events.tick();
    run();
  }
  void define(std::string_view definitions_json) {
    auto set = DefinitionSet::parse(definitions_json);
    if (!set) throw std::runtime_error(std::string(set.error().message()));
    events.on_definitions("default", *set);
  }

  FakeClock clock;
  FakeBroker broker{clock};
  FakeAuthorizer authorizer;
  FakeDispatcher dispatcher;
  SeededRandom random{1};
  RuntimeLimits limits;
  LimitCounters limit_counters;
  EdgeCounters counters;
  OriginPolicies origins;
  ChannelHub hub;
  PresenceHub presence;
  DefinitionsDirectory definitions;
  LinkGate gate{broker, clock, random, limits, limit_counters};
  ClientRates rates{clock, limits, limit_counters, counters};
  Revocations revocations{hub, authorizer, clock, limits, limit_counters};
  GuardedAuthorizer guard{authorizer, revocations.book(), clock};
  PublishLines publishes{broker, dispatcher, revocations.book(), limits, limit_counters};
  NoWebhooks webhooks;
  EdgeBrokerEvents events{hub, presence, definitions, authorizer, revocations, webhooks, gate};
  EdgeServices services{.hub = hub,
                        .presence = presence,
                        .broker = broker,
                        .authorizer = guard,
                        .revocations = revocations,
                        .definitions = definitions,
                        .gate = gate,
                        .origins = origins,
                        .clock = clock,
                        .random = random,
                        .limits = limits,
                        .limit_counters = limit_counters,
                        .counters = counters,
                        .publishes = publishes,
                        .rates = rates};
};

}  // namespace tako::edge::testing
