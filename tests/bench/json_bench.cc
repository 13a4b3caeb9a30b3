// What it costs to take a published message apart, and to join a channel's key.
#include <string>

#include "common/json_text.h"
#include "tests/bench/bench.h"

namespace tako {
namespace {

std::string body_of(std::size_t data_bytes) {
  return R"({"type":"msg", "data":{"text":")" + std::string(data_bytes, 'x') +
         R"(","at":1700000000000,"tags":["a","b",null,true]}})";
}

std::size_t take_apart(const std::string& body) {
  const auto members = split_json_object(body);
  return minify_json(find_member(*members, "data")->raw).size();
}

}  // namespace
}  // namespace tako

int main() {
  using tako::bench::measure;
  for (const std::size_t bytes : {100, 1'000, 10'000}) {
    measure("check, split and minify a message of " + std::to_string(bytes) + " B", 1,
            [body = tako::body_of(bytes)] { return tako::take_apart(body); });
  }
  measure("canonical JSON of params", 1, [] {
    return tako::canonical_json(R"({"roomId":"42","limit":10,"pinned":true})")->size();
  });
}
