// Link: frames both ways over one nng stream (ipc://); LinkListener and LinkDialer make links.
//
// nng_stream and not an SP pattern: PAIR1 poly, BUS and PUB lose messages silently, and a queue of
// a dead peer goes to the next one. A stream has order, back-pressure and exact peer death.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/ipc/frame_decoder.h"
#include "common/result.h"
#include "common/uv/loop.h"

struct nng_aio;
struct nng_stream;
struct nng_stream_dialer;
struct nng_stream_listener;

namespace tako::ipc {

class LoopAio;

// After on_frame or on_closed the link may be gone: the link touches nothing of itself afterwards.
class LinkObserver {
 public:
  virtual ~LinkObserver() = default;
  // One whole frame; valid during the call.
  virtual void on_frame(std::span<const std::byte> frame) = 0;
  // The kernel has taken all that a flush() had to leave behind.
  virtual void on_drained() = 0;
  // The peer is gone (Unavailable), or broke the framing (ProtocolError); no call follows.
  virtual void on_closed(const Error& error) = 0;
};

class Link {
 public:
  Link(uv::Loop& loop, nng_stream* stream);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Begins to read. `observer` outlives the link or replaces itself here.
  void start(LinkObserver& observer);
  // Queues one frame for the next flush().
  void send(std::string_view payload);
  // Writes what the kernel takes at once; pending_bytes() tells what is left. That goes on by
  // itself, with what is queued meanwhile behind it, and then on_drained() comes.
  void flush();
  // Queued bytes that the kernel has not taken yet.
  [[nodiscard]] std::size_t pending_bytes() const { return filling_.size() + in_flight_.size(); }
  // The peer's user, as the kernel says at connect; nullopt when it is not known.
  [[nodiscard]] std::optional<std::uint32_t> peer_uid() const;

 private:
  struct FreeAio {
    void operator()(nng_aio* aio) const noexcept;
  };

  void receive();
  void on_received();
  void write_now();
  void write_rest();
  void on_sent();
  void give_back_buffer();
  void fail(const Error& error);

  LinkObserver* observer_ = nullptr;
  nng_stream* stream_;
  std::unique_ptr<LoopAio> receive_aio_;
  std::unique_ptr<nng_aio, FreeAio> write_aio_;  // of writes that the kernel takes at once
  std::unique_ptr<LoopAio> send_aio_;            // of those that have to wait
  std::string receive_buffer_;
  FrameDecoder decoder_;
  std::string filling_;    // queued
  std::string in_flight_;  // what the present write holds
  std::size_t sent_of_in_flight_ = 0;
  std::shared_ptr<bool> alive_;  // false once destroyed: asked after each observer call
};

// Accepts links at a socket path. Peers of other users (but root and our own) are refused.
class LinkListener {
 public:
  using OnLink = std::function<void(std::unique_ptr<Link>)>;
  // Errors: AddressInUse (another broker lives there, or something that is no socket is at the
  // path), ConfigInvalid (the path is too long, or its folder is missing).
  [[nodiscard]] static Result<std::unique_ptr<LinkListener>> listen(uv::Loop& loop,
                                                                    const std::string& path,
                                                                    OnLink on_link);
  ~LinkListener();
  LinkListener(const LinkListener&) = delete;
  LinkListener& operator=(const LinkListener&) = delete;

  [[nodiscard]] std::uint64_t refused_strangers() const { return refused_strangers_; }

 private:
  LinkListener(uv::Loop& loop, std::string path, nng_stream_listener* listener, OnLink on_link);
  void accept();
  void on_accepted();

  uv::Loop& loop_;
  std::string path_;
  std::uint64_t inode_ = 0;
  nng_stream_listener* listener_;
  OnLink on_link_;
  std::unique_ptr<LoopAio> aio_;
  std::uint64_t refused_strangers_ = 0;
};

// Dials once per call; the caller decides when to try again.
class LinkDialer {
 public:
  using OnLink = std::function<void(Result<std::unique_ptr<Link>>)>;
  LinkDialer(uv::Loop& loop, const std::string& path, OnLink on_link);
  ~LinkDialer();
  LinkDialer(const LinkDialer&) = delete;
  LinkDialer& operator=(const LinkDialer&) = delete;

  // Answers by on_link, later. Not while an earlier dial is under way.
  void dial();

 private:
  void on_dialed();

  uv::Loop& loop_;
  OnLink on_link_;
  nng_stream_dialer* dialer_ = nullptr;
  std::unique_ptr<LoopAio> aio_;
};

}  // namespace tako::ipc
