// NngLink: a link over an nng stream (ipc://), as the broker's listener makes them.
#pragma once

#include <memory>
#include <string>

#include "common/ipc/frame_decoder.h"
#include "common/ipc/link.h"
#include "common/uv/loop.h"

struct nng_aio;
struct nng_stream;

namespace tako::ipc {

class LoopAio;

class NngLink final : public Link {
 public:
  // Takes over `stream`.
  NngLink(uv::Loop& loop, nng_stream* stream);
  ~NngLink() override;

  void start(LinkObserver& observer) override;
  void send(std::string_view payload) override;
  void flush() override;
  [[nodiscard]] std::size_t pending_bytes() const override {
    return filling_.size() + in_flight_.size();
  }
  [[nodiscard]] std::optional<std::uint32_t> peer_uid() const override;

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

}  // namespace tako::ipc
