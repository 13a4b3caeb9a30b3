// ResponseParser: bytes of an HTTP/1.x server become response heads and body pieces; no sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "common/http/message.h"
#include "common/http/parse_step.h"

namespace tako::http {

// As strict as RequestParser, since an upstream's ambiguous answer splits just as well.
// One parser per response, interim responses (1xx) included: those are a Head, then an End, and
// the final one follows. 101 is a Head and an End, and what follows is another protocol's.
class ResponseParser {
 public:
  // `to_head`: the request was HEAD, so no body follows whatever the fields say.
  explicit ResponseParser(bool to_head);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // As RequestParser::next().
  [[nodiscard]] ParseStep next(std::span<const std::byte> input);
  [[nodiscard]] ResponseHead take_head();
  // The connection has ended: End if that ends the body, else Failed.
  [[nodiscard]] ParseStep finish();
  // True while nothing has come: the request may be sent again over another connection.
  [[nodiscard]] bool is_untouched() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tako::http
