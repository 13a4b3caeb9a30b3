// cJSON with an owner.
#include "tests/support/json.h"

#include <cjson/cJSON.h>

#include "tests/support/wait.h"

namespace tako::test {
namespace {

std::string take(char* printed) {
  std::string text(printed);
  cJSON_free(printed);
  return text;
}

}  // namespace

Json Json::parse(std::string_view text) {
  const char* end = nullptr;
  cJSON* root = cJSON_ParseWithLengthOpts(text.data(), text.size(), &end, 0);
  if (root == nullptr) throw TestFailure("not JSON: " + std::string(text));
  std::shared_ptr<const cJSON> document(root, [](const cJSON* owned) {
    cJSON_Delete(const_cast<cJSON*>(owned));  // cJSON's interface knows no const owner.
  });
  return {document, root};
}

void Json::fail(std::string_view wanted) const {
  throw TestFailure("no " + std::string(wanted) + " in " + print());
}

Json Json::operator[](std::string_view key) const {
  const cJSON* found = cJSON_GetObjectItemCaseSensitive(value_, std::string(key).c_str());
  if (found == nullptr) fail("member " + std::string(key));
  return {document_, found};
}

Json Json::operator[](std::size_t index) const {
  const cJSON* found = cJSON_GetArrayItem(value_, static_cast<int>(index));
  if (found == nullptr) fail("element " + std::to_string(index));
  return {document_, found};
}

bool Json::has(std::string_view key) const {
  return cJSON_GetObjectItemCaseSensitive(value_, std::string(key).c_str()) != nullptr;
}

std::size_t Json::size() const { return static_cast<std::size_t>(cJSON_GetArraySize(value_)); }

std::vector<std::string> Json::keys() const {
  std::vector<std::string> names;
  const cJSON* member = nullptr;
  cJSON_ArrayForEach(member, value_) names.emplace_back(member->string);
  return names;
}

std::string Json::string() const {
  if (!cJSON_IsString(value_)) fail("string");
  return value_->valuestring;
}

double Json::number() const {
  if (!cJSON_IsNumber(value_)) fail("number");
  return value_->valuedouble;
}

bool Json::boolean() const {
  if (!cJSON_IsBool(value_)) fail("boolean");
  return cJSON_IsTrue(value_) != 0;
}

bool Json::is_null() const { return cJSON_IsNull(value_) != 0; }

bool Json::is_object() const { return cJSON_IsObject(value_) != 0; }

std::string Json::print() const { return take(cJSON_PrintUnformatted(value_)); }

bool operator==(const Json& left, const Json& right) {
  return cJSON_Compare(left.value_, right.value_, 1) != 0;
}

std::string json_string(std::string_view text) {
  cJSON* value = cJSON_CreateString(std::string(text).c_str());
  std::string literal = take(cJSON_PrintUnformatted(value));
  cJSON_Delete(value);
  return literal;
}

}  // namespace tako::test
