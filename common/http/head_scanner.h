// HeadScanner: finds the end of a message head, and refuses line forms that parsers disagree on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tako::http {

// A second opinion beside llhttp, which takes a folded line for a part of the value before it
// (CVE-2024-27982) and can't tell a fold from a value that was cut by a read. Keeps its state
// between reads, so cuts make no difference.
class HeadScanner {
 public:
  struct Outcome {
    std::size_t used = 0;  // bytes up to and with the end of the head, or all of them
    bool is_complete = false;
    std::string_view refusal{};  // static text; not empty: the head is malformed
  };

  [[nodiscard]] Outcome scan(std::span<const std::byte> bytes) noexcept;
  // False while only blank lines have come.
  [[nodiscard]] bool has_begun() const noexcept {
    return state_ != State::Blank && state_ != State::BlankCr;
  }

 private:
  //  Blank ⇄ BlankCr            blank lines before the first line (RFC 9112 2.2)
  //    └▶ Line ─CR▶ Cr ─LF▶ LineStart ─CR▶ EndCr ─LF▶ complete
  //        ▲                     └─other─┐
  //        └─────────────────────────────┘   SP, HT at LineStart: folded; lone CR, LF, NUL: refused
  enum class State : std::uint8_t { Blank, BlankCr, Line, Cr, LineStart, EndCr };

  [[nodiscard]] std::string_view step(char c) noexcept;

  State state_ = State::Blank;
  bool is_complete_ = false;
};

}  // namespace tako::http
