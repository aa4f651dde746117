// HTTP requests to the hub and to its stores of large files, by libcurl.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "hub/hub.h"

namespace valence::hub {

// A failure that another attempt may not meet: a cut or stalled transfer, a busy server, its own error.
class TransientError : public Error {
 public:
  explicit TransientError(const std::string& message, std::chrono::seconds retry_after = {})
      : Error(ErrorCode::kUnavailable, message), retry_after_(retry_after) {}
  // How long the server asks to be left alone (Retry-After); 0 when it does not say.
  std::chrono::seconds retry_after() const { return retry_after_; }

 private:
  std::chrono::seconds retry_after_;
};

struct HttpRequest {
  std::string url;
  bool head = false;
  uint64_t range_begin = 0;  // asks for the bytes from here on when it is not 0
  // Ends at a redirection that describes a file (X-Linked-Etag, X-Linked-Size) in place of following it.
  bool stop_at_store = false;
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;         // names in lower case
  std::string header(const std::string& name) const;  // empty when absent
};

// Receives the body of an answer with status 200 or 206, in parts. It may throw.
using BodySink = std::function<void(const HttpResponse& response, std::string_view part)>;

// One connection after the other, kept open between requests. Not for several threads at once.
class HttpClient {
 public:
  explicit HttpClient(const HubOptions& options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Follows up to 10 redirections. The token goes to the host of request.url and to no other; a redirection
  // from https to http is refused. Proxy variables (https_proxy, no_proxy, …) are honoured.
  // Errors: TransientError, also for the statuses 408, 429 and 5xx; kUnavailable when there is no way to the
  // server, and for redirections without end; kRuntime for a redirection that is refused; kInterrupted; what
  // `sink` throws.
  HttpResponse perform(const HttpRequest& request, const BodySink& sink);

 private:
  struct Transfer;
  HttpResponse perform_once(const HttpRequest& request, bool with_token, const BodySink& sink);
  [[noreturn]] void fail(int code, const std::string& where) const;  // a CURLcode

  const HubOptions& options_;
  std::unique_ptr<void, void (*)(void*)> handle_;
  bool answered_ = false;  // a server answered at least once
};

// Percent-encodes what is not a letter, a digit or one of "-_.~"; "/" too unless it is kept.
std::string url_escape(std::string_view text, bool keep_slashes);

}  // namespace valence::hub
