// libcurl over a unix socket. The only file that knows it.
#include "broker/takoctl/api_client.h"

#include <curl/curl.h>

#include <utility>

namespace tako::takoctl {
namespace {

constexpr long kConnectTimeoutMs = 5'000;
constexpr long kCallTimeoutMs = 30'000;

struct FreeHandle {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void append_header(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return;  // out of memory; the list stays as it was
  static_cast<void>(list.release());
  list.reset(longer);
}

// What a transfer writes into.
struct Receiver {
  CURL* handle;
  ApiClient::OnPiece on_piece;  // empty: the body is collected
  std::string body;
  bool was_stopped = false;
};

std::size_t on_data(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto* receiver = static_cast<Receiver*>(user);
  const std::string_view piece(data, size * count);
  long status = 0;
  curl_easy_getinfo(receiver->handle, CURLINFO_RESPONSE_CODE, &status);
  if (!receiver->on_piece || status != 200) {
    receiver->body.append(piece);
    return piece.size();
  }
  if (receiver->on_piece(piece)) return piece.size();
  receiver->was_stopped = true;
  return 0;  // curl ends the transfer
}

}  // namespace

struct ApiClient::Curl {
  std::unique_ptr<CURL, FreeHandle> handle;
};

ApiClient::ApiClient(std::string socket_path, std::string app)
    : socket_path_(std::move(socket_path)), app_(std::move(app)), curl_(std::make_unique<Curl>()) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  curl_->handle.reset(curl_easy_init());
}

ApiClient::~ApiClient() {
  curl_->handle.reset();
  curl_global_cleanup();
}

std::expected<ApiReply, std::string> ApiClient::call(const ApiCall& call) {
  return perform(call, nullptr, kCallTimeoutMs);
}

std::expected<ApiReply, std::string> ApiClient::stream(const ApiCall& call, OnPiece on_piece) {
  return perform(call, std::move(on_piece), 0);
}

std::expected<ApiReply, std::string> ApiClient::perform(const ApiCall& call, OnPiece on_piece,
                                                        long timeout_ms) {
  CURL* curl = curl_->handle.get();
  if (curl == nullptr) return std::unexpected(std::string("libcurl does not start"));
  curl_easy_reset(curl);
  Receiver receiver{.handle = curl, .on_piece = std::move(on_piece), .body = {}};
  HeaderList headers;
  append_header(headers, "Content-Type: application/json");
  append_header(headers, "Expect:");  // no 100-continue: the server is next door
  if (!app_.empty()) append_header(headers, "Tako-App: " + app_);
  for (const auto& [name, value] : call.headers) append_header(headers, name + ": " + value);

  const std::string url = "http://localhost" + call.target;
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path_.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &on_data);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  if (!call.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK && !receiver.was_stopped) {
    return std::unexpected(socket_path_ + ": " + curl_easy_strerror(code));
  }
  ApiReply reply{.status = 0, .body = std::move(receiver.body)};
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

}  // namespace tako::takoctl
