// Cuts what a subscriber's socket brings into messages, per transport; light enough for millions.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tako::test {

// One thing that the server said on a stream.
struct WireItem {
  enum class Kind { Head, Message, Opening, Control, Close };
  Kind kind = Kind::Message;
  int status = 0;         // Head: HTTP status. Close: close code
  std::string_view id;    // Message, Opening
  std::string_view text;  // Message, Control: the JSON. SSE control: its data
};

class WireReader {
 public:
  explicit WireReader(bool is_websocket) : is_websocket_(is_websocket) {}
  // Calls back for each whole item; slices are valid during the call. False: stop, the reader is
  // not touched any more.
  using OnItem = std::function<bool(const WireItem&)>;
  // Throws TestFailure on bytes that are neither HTTP nor frames as the protocol has them.
  void feed(std::string_view bytes, const OnItem& on_item);

 private:
  [[nodiscard]] bool take_head(const OnItem& on_item, bool& go_on);
  [[nodiscard]] bool take_frame(const OnItem& on_item, bool& go_on);
  [[nodiscard]] bool take_chunk();
  [[nodiscard]] bool take_block(const OnItem& on_item, bool& go_on);

  bool is_websocket_;
  bool has_head_ = false;
  bool is_chunked_ = false;
  bool is_stream_ = false;
  std::string buffer_;
  std::size_t used_ = 0;
  std::string events_;  // SSE: the body behind the chunk framing
  std::size_t events_used_ = 0;
};

// The text behind `"name":"` up to the next quote; empty when it is not there.
[[nodiscard]] std::string_view string_member(std::string_view json, std::string_view name);
// The digits behind `"name":`.
[[nodiscard]] std::uint64_t number_member(std::string_view json, std::string_view name);

}  // namespace tako::test
