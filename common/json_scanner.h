// JsonScanner: walks JSON text strictly (RFC 8259), token by token, without building a tree.
//
// Stricter than the grammar where peers differ: UTF-8 must be well formed and escaped surrogates
// must come in pairs (RFC 7493), so that whatever passes here means the same to every reader.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/error.h"

namespace tako {

// Each `bool` is false at the first fault; error() then says what and where, and the scanner is
// spent.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // The next token's first byte, behind white space; '\0' at the end.
  [[nodiscard]] char peek();
  // Takes the token `punctuation` if it comes next.
  [[nodiscard]] bool take(char punctuation);
  // As take, but its absence is a fault.
  [[nodiscard]] bool expect(char punctuation);
  // Nothing but white space is left.
  [[nodiscard]] bool expect_end();

  // A string with its quotes, checked.
  [[nodiscard]] bool string(std::string_view& token);
  // A number, or true, false, null.
  [[nodiscard]] bool scalar(std::string_view& token);
  // Any value. `depth` is how many arrays and objects are open around it.
  [[nodiscard]] bool value(std::string_view& raw, std::size_t depth);

  // An open array or object one deeper than `depth` would be too deep: a fault.
  [[nodiscard]] bool enter(std::size_t depth);
  // Marks a fault that the caller found, where the scanner stands.
  bool fault(const char* why);
  [[nodiscard]] Error error() const;

 private:
  [[nodiscard]] bool skip_value(std::size_t depth);
  [[nodiscard]] bool skip_array(std::size_t depth);
  [[nodiscard]] bool skip_object(std::size_t depth);
  [[nodiscard]] bool skip_string();
  [[nodiscard]] bool skip_escape();
  [[nodiscard]] bool skip_number();
  [[nodiscard]] bool skip_digits();
  [[nodiscard]] bool read_hex4(unsigned& unit);

  std::string_view text_;
  std::size_t at_ = 0;
  const char* why_ = "";
  LimitCounter limit_ = nullptr;
};

// What a string token that the scanner has passed stands for.
[[nodiscard]] std::string unescape_json_string(std::string_view token);

}  // namespace tako
