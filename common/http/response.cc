// Builds message heads and the common answers.
#include "common/http/response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "common/check.h"

namespace tako::http {

namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr std::array kPhrases{
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{103, "Early Hints"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{203, "Non-Authoritative Information"},
    Phrase{204, "No Content"},
    Phrase{205, "Reset Content"},
    Phrase{206, "Partial Content"},
    Phrase{300, "Multiple Choices"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{402, "Payment Required"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Precondition Failed"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{417, "Expectation Failed"},
    Phrase{421, "Misdirected Request"},
    Phrase{422, "Unprocessable Content"},
    Phrase{425, "Too Early"},
    Phrase{426, "Upgrade Required"},
    Phrase{428, "Precondition Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
    Phrase{507, "Insufficient Storage"},
};

// No control character, no space: nothing that could end the target or the line.
bool is_target(std::string_view target) {
  return !target.empty() && std::ranges::all_of(target, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

void append_fields(std::string& head, const Headers& headers) {
  for (const Header& field : headers) {
    if (!is_token(field.name) || !is_header_value(field.value)) continue;
    head.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  head.append("\r\n");
}

}  // namespace

Response error_response(const Error& error) {
  return error_response(error.info().http_status, error);
}

Response error_response(int status, const Error& error) {
  Response response = json_response(status, error_json(error));
  if (error.retry_after_ms > 0) {
    response.headers.add("Retry-After", std::to_string((error.retry_after_ms + 999) / 1'000));
  }
  return response;
}

Response json_response(int status, std::string json) {
  return {status, {{"Content-Type", "application/json"}}, std::move(json)};
}

Response text_response(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

std::string_view reason_phrase(int status) noexcept {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Unknown";
}

std::string response_head(int status, const Headers& headers) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(reason_phrase(status)).append("\r\n");
  append_fields(head, headers);
  return head;
}

std::string request_head(std::string_view method, std::string_view target, const Headers& headers) {
  TAKO_CHECK(is_token(method) && is_target(target));
  std::string head;
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  append_fields(head, headers);
  return head;
}

std::string chunk_header(std::size_t size) {
  std::array<char, 20> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16);
  return std::string(digits.data(), result.ptr).append("\r\n");
}

}  // namespace tako::http
