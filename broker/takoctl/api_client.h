// ApiClient: blocking HTTP requests to the app API over its unix socket.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace tako::takoctl {

struct ApiReply {
  long status = 0;
  std::string body;
};

struct ApiCall {
  std::string method = "GET";
  std::string target;  // "/v1/…"
  std::string body = {};
  std::map<std::string, std::string> headers = {};
};

class ApiClient {
 public:
  // `app`: for the Tako-App header; "": none.
  ApiClient(std::string socket_path, std::string app);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // Errors: nobody answers on the socket; the text says why.
  [[nodiscard]] std::expected<ApiReply, std::string> call(const ApiCall& call);

  // Called with pieces of a 200's body as they come; false ends the call.
  using OnPiece = std::function<bool(std::string_view piece)>;
  // Reads until the server ends the body or `on_piece` says so. Another status comes with its body.
  // Errors: as call(); also when the connection breaks in the middle.
  [[nodiscard]] std::expected<ApiReply, std::string> stream(const ApiCall& call, OnPiece on_piece);

 private:
  struct Curl;
  [[nodiscard]] std::expected<ApiReply, std::string> perform(const ApiCall& call, OnPiece on_piece,
                                                             long timeout_ms);

  std::string socket_path_;
  std::string app_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace tako::takoctl
