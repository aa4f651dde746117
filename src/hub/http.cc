#include "hub/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "base/interrupt.h"

namespace valence::hub {
namespace {

constexpr int kMaxRedirections = 10;
constexpr size_t kMaxHeaderBytes = 256 << 10;
constexpr size_t kMaxIgnoredBytes = 1 << 20;  // of a body that nobody reads: an error page
constexpr long kConnectSeconds = 15;
constexpr long kSlowBytesPerSecond = 1024;

void initialize_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// The certificates that the user trusts in place of the system's, behind a proxy that signs its own, say.
const char* trusted_certificates() {
  for (const char* name : {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value && *value) return value;
  }
  return nullptr;
}

using CurlUrl = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string out = text;
  curl_free(text);
  return out;
}

CurlUrl parse_url(const std::string& text) {
  CurlUrl url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    throw Error(ErrorCode::kRuntime, "not an address: " + printable(text));
  }
  return url;
}

// "scheme://host:port": what decides whether the token may be sent.
std::string origin_of(const std::string& text) {
  const CurlUrl url = parse_url(text);
  return url_part(url.get(), CURLUPART_SCHEME) + "://" + url_part(url.get(), CURLUPART_HOST) + ":" +
         url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

// Where a redirection leads; `location` may be relative.
std::string redirected(const std::string& from, const std::string& location) {
  const CurlUrl url = parse_url(from);
  const std::string old_scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (location.empty() || curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    throw Error(ErrorCode::kRuntime,
                "the server redirects to \"" + printable(location) + "\", which is no address");
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && (scheme != "http" || old_scheme == "https")) {
    throw Error(ErrorCode::kRuntime,
                "the server redirects from " + old_scheme + " to " + printable(scheme) + ": refused");
  }
  return url_part(url.get(), CURLUPART_URL);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin));
}

// Without a way to the server another attempt in a few seconds meets the same.
bool is_no_connection(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_COULDNT_CONNECT;
}

// What no repetition changes: a certificate that is not trusted, a protocol that is not spoken.
bool is_final(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

bool is_redirection(long status) { return status >= 301 && status <= 308 && status != 304 && status != 306; }

// An address without its query: signed addresses carry secrets.
std::string shown(const std::string& url) { return printable(url.substr(0, url.find('?'))); }

}  // namespace

// What the callbacks of one request share. They are called from C, so no exception may pass through them.
struct HttpClient::Transfer {
  HttpResponse response;
  const BodySink& sink;
  size_t header_bytes = 0, ignored_bytes = 0;
  std::exception_ptr failure;

  static size_t on_header(char* data, size_t, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.header_bytes += size;
    if (transfer.header_bytes > kMaxHeaderBytes) return 0;
    const std::string_view line(data, size);
    if (line.starts_with("HTTP/")) {
      transfer.response.headers.clear();
      const size_t blank = line.find(' ');
      transfer.response.status = blank == line.npos ? 0 : std::atol(std::string(line.substr(blank)).c_str());
    } else if (const size_t colon = line.find(':'); colon != line.npos) {
      transfer.response.headers[lower(trimmed(line.substr(0, colon)))] = trimmed(line.substr(colon + 1));
    }
    return size;
  }

  static size_t on_body(char* data, size_t, size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.response.status != 200 && transfer.response.status != 206) {
      transfer.ignored_bytes += size;
      return transfer.ignored_bytes > kMaxIgnoredBytes ? CURL_WRITEFUNC_ERROR : size;
    }
    try {
      transfer.sink(transfer.response, {data, size});
      return size;
    } catch (...) {
      transfer.failure = std::current_exception();
      return CURL_WRITEFUNC_ERROR;
    }
  }

  static int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return interrupted() ? 1 : 0;
  }
};

std::string HttpResponse::header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? "" : it->second;
}

HttpClient::HttpClient(const HubOptions& options) : options_(options), handle_(nullptr, curl_easy_cleanup) {
  initialize_curl();
  handle_.reset(curl_easy_init());
  if (!handle_) throw Error(ErrorCode::kRuntime, "libcurl cannot be initialized");
}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::perform(const HttpRequest& request, const BodySink& sink) {
  HttpRequest current = request;
  const std::string origin = origin_of(request.url);
  for (int redirections = 0; redirections <= kMaxRedirections; ++redirections) {
    check_interrupt();
    const HttpResponse response = perform_once(current, origin_of(current.url) == origin, sink);
    const bool described = request.stop_at_store && !response.header("x-linked-etag").empty() &&
                           !response.header("x-linked-size").empty();
    if (!is_redirection(response.status) || described) return response;
    current.url = redirected(current.url, response.header("location"));
  }
  throw Error(ErrorCode::kUnavailable, shown(request.url) + " is redirected without end");
}

HttpResponse HttpClient::perform_once(const HttpRequest& request, bool with_token, const BodySink& sink) {
  CURL* curl = handle_.get();
  Transfer transfer{{}, sink, 0, 0, nullptr};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
  const auto add = [&](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  if (with_token && !options_.token.empty()) add("Authorization: Bearer " + options_.token);
  if (request.range_begin > 0) add("Range: bytes=" + std::to_string(request.range_begin) + "-");
  add("Accept-Encoding: identity");  // the sizes and hashes are those of the file itself

  curl_easy_reset(curl);  // keeps the connections
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "valence");
  if (const char* file = trusted_certificates()) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_limit.count()));
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);

  const CURLcode code = curl_easy_perform(curl);
  if (transfer.failure) std::rethrow_exception(transfer.failure);
  check_interrupt();
  const bool cut_by_us = transfer.ignored_bytes > kMaxIgnoredBytes;
  if (code != CURLE_OK && !cut_by_us) fail(code, shown(request.url));
  answered_ = true;
  const long status = transfer.response.status;
  if (status >= 500 || status == 408 || status == 429) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    throw TransientError(shown(request.url) + ": the server answers with status " + std::to_string(status),
                         std::chrono::seconds(seconds));
  }
  return transfer.response;
}

void HttpClient::fail(int code, const std::string& where) const {
  const auto why = static_cast<CURLcode>(code);
  const std::string message = where + ": " + curl_easy_strerror(why);
  if (is_no_connection(why) && !answered_) {
    throw Error(ErrorCode::kUnavailable, message + " (HF_HUB_OFFLINE=1 uses what is in the cache)");
  }
  if (is_final(why)) throw Error(ErrorCode::kUnavailable, message);
  throw TransientError(message);
}

std::string url_escape(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || std::string_view("-_.~").find(c) != std::string_view::npos ||
        (c == '/' && keep_slashes)) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace valence::hub
