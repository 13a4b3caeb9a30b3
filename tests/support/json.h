// Reads JSON in tests (cJSON): a value that shares its document, and fails the test when asked for
// what is not there.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct cJSON;  // NOLINT(readability-identifier-naming): the name that cJSON.h gives it

namespace tako::test {

class Json {
 public:
  // Throws TestFailure with the text when it is not JSON.
  [[nodiscard]] static Json parse(std::string_view text);

  // A member of an object, an element of an array; throws when there is none.
  [[nodiscard]] Json operator[](std::string_view key) const;
  [[nodiscard]] Json operator[](std::size_t index) const;
  [[nodiscard]] bool has(std::string_view key) const;
  // Elements of an array, members of an object.
  [[nodiscard]] std::size_t size() const;
  // The names of an object's members, in the order of the text.
  [[nodiscard]] std::vector<std::string> keys() const;

  [[nodiscard]] std::string string() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;

  // Without white space.
  [[nodiscard]] std::string print() const;
  // Equal as JSON: the order of members does not matter.
  friend bool operator==(const Json& left, const Json& right);

 private:
  Json(std::shared_ptr<const cJSON> document, const cJSON* value)
      : document_(std::move(document)), value_(value) {}
  [[noreturn]] void fail(std::string_view wanted) const;

  std::shared_ptr<const cJSON> document_;
  const cJSON* value_;
};

// `text` as a JSON string literal, quotes included.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace tako::test
