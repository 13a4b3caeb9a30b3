// SseReader: bytes of an event stream become its blocks.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tako::takoctl {

struct SseBlock {
  std::string id;
  std::string event;
  std::string data;
};

// What the WHATWG's event stream format needs for the streams of this product: LF ends lines, a
// blank line ends a block. Comments and blocks without any field are passed over.
class SseReader {
 public:
  using OnBlock = std::function<void(const SseBlock&)>;
  explicit SseReader(OnBlock on_block) : on_block_(std::move(on_block)) {}

  void feed(std::string_view bytes);
  // A connection ended: what is left of a block is no block.
  void reset();

 private:
  void take_line(std::string_view line);

  OnBlock on_block_;
  std::string partial_;  // line without its end
  SseBlock block_;
  bool has_fields_ = false;
};

}  // namespace tako::takoctl
