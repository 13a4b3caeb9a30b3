// Walks over a head byte by byte.
#include "common/http/head_scanner.h"

namespace tako::http {

namespace {

constexpr std::string_view kBareCr = "a CR without LF";
constexpr std::string_view kBareLf = "a LF without CR";
constexpr std::string_view kFolded = "a folded header line";
constexpr std::string_view kNul = "a NUL in the head";

}  // namespace

HeadScanner::Outcome HeadScanner::scan(std::span<const std::byte> bytes) noexcept {
  Outcome outcome;
  for (const std::byte byte : bytes) {
    ++outcome.used;
    outcome.refusal = step(static_cast<char>(byte));
    if (!outcome.refusal.empty()) return outcome;
    if (is_complete_) {
      outcome.is_complete = true;
      return outcome;
    }
  }
  return outcome;
}

std::string_view HeadScanner::step(char c) noexcept {
  if (c == '\0') return kNul;
  switch (state_) {
    case State::Blank:
      if (c == '\n') return kBareLf;
      state_ = c == '\r' ? State::BlankCr : State::Line;
      break;
    case State::BlankCr:
      if (c != '\n') return kBareCr;
      state_ = State::Blank;
      break;
    case State::Line:
      if (c == '\n') return kBareLf;
      if (c == '\r') state_ = State::Cr;
      break;
    case State::Cr:
      if (c != '\n') return kBareCr;
      state_ = State::LineStart;
      break;
    case State::LineStart:
      if (c == ' ' || c == '\t') return kFolded;
      if (c == '\n') return kBareLf;
      state_ = c == '\r' ? State::EndCr : State::Line;
      break;
    case State::EndCr:
      if (c != '\n') return kBareCr;
      is_complete_ = true;
      break;
  }
  return {};
}

}  // namespace tako::http
