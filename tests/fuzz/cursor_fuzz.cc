// Cursors: one spelling each, and an answer that fits the window, whatever was sent.
//
// Input: six bytes that make a window, then the cursor's text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "common/position.h"

namespace {

// Small numbers, so that cursors that libFuzzer finds meet the window's edges.
tako::ReplayWindow make_window(const std::uint8_t* bytes) {
  tako::ReplayWindow window;
  window.epoch = tako::make_epoch(bytes[0] & 3U);
  window.head = bytes[1];
  window.oldest = 1 + bytes[2] % (window.head + 1);
  window.older_epochs = {{tako::make_epoch(bytes[3] & 3U), bytes[4] % (window.head + 1)},
                         {tako::make_epoch(4U + (bytes[3] & 3U)), bytes[5] % (window.head + 1)}};
  return window;
}

void check_answer(const tako::Cursor& cursor, const tako::ReplayWindow& window) {
  const tako::Resume resume = tako::resume_at(cursor, window);
  TAKO_CHECK(resume.after <= window.head);
  if (resume.gap) {
    TAKO_CHECK(resume.after == window.head);
    TAKO_CHECK(!cursor.from_oldest);
    return;
  }
  TAKO_CHECK(resume.after + 1 >= window.oldest);  // What comes next is still there.
  if (!cursor.from_oldest) TAKO_CHECK(resume.after == cursor.position.offset);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kWindowBytes = 6;
  if (size < kWindowBytes) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + kWindowBytes,
                              size - kWindowBytes);
  const auto cursor = tako::parse_cursor(text);
  if (!cursor) {
    TAKO_CHECK(cursor.error().code == tako::ErrorCode::CursorMalformed);
    return 0;
  }
  TAKO_CHECK(text == (cursor->from_oldest ? "0" : tako::to_string(cursor->position)));
  check_answer(*cursor, make_window(data));
  return 0;
}
