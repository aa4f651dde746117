#include "serve/head_guard.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <charconv>

namespace valence::serve {
namespace {

namespace http = boost::beast::http;

constexpr Refusal kTooLarge{431, "head_too_large", "the head of the request is larger than 8 KB"};
constexpr Refusal kBadHead{400, "bad_request", "the head of the request is malformed"};

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

bool same_word(std::string_view a, std::string_view b) { return boost::beast::iequals(a, b); }

// METHOD SP target SP HTTP/1.x, single spaces, visible ASCII.
std::optional<Refusal> check_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return kBadHead;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || target.empty()) return kBadHead;
  for (const char c : target) {
    if (c <= ' ' || c > '~') return kBadHead;
  }
  if (!version.starts_with("HTTP/") || version.size() != 8) return kBadHead;
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return Refusal{505, "version_not_supported", "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  // Absolute and asterisk forms are for proxies.
  if (target[0] != '/') return Refusal{400, "bad_request", "the target of a request is a path"};
  return {};
}

// name ":" value, no space before the colon, no folding, no control characters.
bool is_plain_header(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
  for (const char c : line.substr(colon + 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) return false;
  }
  return true;
}

std::optional<Refusal> check_raw(std::string_view bytes) {
  bool first = true;
  size_t headers = 0;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = bytes.find("\r\n", at);
    if (end == std::string_view::npos) return kBadHead;
    const std::string_view line = bytes.substr(at, end - at);
    at = end + 2;
    if (line.empty()) return at == bytes.size() && !first ? std::nullopt : std::optional(kBadHead);
    if (first) {
      if (const auto refusal = check_request_line(line)) return refusal;
    } else if (!is_plain_header(line)) {
      return kBadHead;
    } else if (++headers > 100) {
      return kTooLarge;
    }
    first = false;
  }
  return kBadHead;
}

using Fields = http::fields;

std::string_view single(const Fields& fields, http::field name) {
  const auto value = fields[name];
  return {value.data(), value.size()};
}

std::optional<Refusal> check_framing(const Fields& fields, bool http_1_0, Head& head) {
  const auto count = [&](http::field name) { return fields.count(name); };
  const size_t hosts = count(http::field::host);
  if (hosts > 1 || (hosts == 0 && !http_1_0)) return Refusal{400, "bad_request", "a request has one Host"};
  for (const char c : single(fields, http::field::host)) {
    if (c <= ' ' || c == ',' || c == '/' || c == '@') return Refusal{400, "bad_request", "Host is malformed"};
  }
  const size_t lengths = count(http::field::content_length);
  if (count(http::field::transfer_encoding) > 0) {
    if (lengths > 0 || http_1_0) return kBadHead;
    if (count(http::field::transfer_encoding) == 1 &&
        same_word(single(fields, http::field::transfer_encoding), "chunked"))
      return Refusal{411, "length_required", "a body needs a Content-Length; chunked bodies are not read"};
    return Refusal{501, "not_implemented", "no transfer coding is read"};
  }
  if (lengths > 1) return kBadHead;
  if (lengths == 1) {
    const std::string_view value = single(fields, http::field::content_length);
    for (const char c : value) {
      if (c < '0' || c > '9') return kBadHead;
    }
    const auto read = std::from_chars(value.data(), value.data() + value.size(), head.content_length);
    if (value.empty()) return kBadHead;
    if (read.ec != std::errc()) return Refusal{413, "too_large", "the body is too large"};
    head.has_length = true;
  }
  return {};
}

std::optional<Refusal> check_options(const Fields& fields, Head& head) {
  for (const http::field name : {http::field::authorization, http::field::content_type, http::field::expect,
                                 http::field::content_encoding}) {
    if (fields.count(name) > 1) return kBadHead;
  }
  const std::string_view expect = single(fields, http::field::expect);
  if (!expect.empty() && !same_word(expect, "100-continue"))
    return Refusal{417, "expectation_failed", "only Expect: 100-continue is understood"};
  head.expects_100 = !expect.empty() && !head.http_1_0;
  const std::string_view encoding = single(fields, http::field::content_encoding);
  head.encoded = !encoding.empty() && !same_word(encoding, "identity");
  const std::string_view type = single(fields, http::field::content_type);
  for (const char c : type.substr(0, type.find(';')))
    head.content_type += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  while (head.content_type.ends_with(' ')) head.content_type.pop_back();
  head.accept = single(fields, http::field::accept);
  head.authorization = single(fields, http::field::authorization);
  const auto length = fields.find("Inference-Header-Content-Length");
  if (length != fields.end()) head.inference_header_length = std::string(length->value());
  return {};
}

}  // namespace

std::optional<Refusal> check_head_so_far(std::string_view bytes) {
  if (bytes.size() > kLongestHead) return kTooLarge;
  for (size_t k = 0; k < bytes.size(); ++k) {
    const auto byte = static_cast<unsigned char>(bytes[k]);
    const bool bare_feed = byte == '\n' && (k == 0 || bytes[k - 1] != '\r');
    const bool bare_return = k > 0 && bytes[k - 1] == '\r' && byte != '\n';
    if (bare_feed || bare_return || (byte < 0x20 && byte != '\r' && byte != '\n' && byte != '\t'))
      return kBadHead;
  }
  if (bytes.starts_with('\r') || bytes.starts_with(' ')) return kBadHead;
  return {};
}

std::optional<Refusal> read_head(std::string_view bytes, Head& head) {
  if (bytes.size() > kLongestHead) return kTooLarge;
  if (const auto refusal = check_raw(bytes)) return refusal;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kLongestHead + 1);
  parser.body_limit(boost::none);  // the routes have limits of their own
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error || !parser.is_header_done()) return kBadHead;
  const auto& message = parser.get();
  head.http_1_0 = message.version() == 10;
  head.keep_alive = message.keep_alive();
  head.method = std::string(message.method_string());
  const auto target = message.target();
  head.path = std::string(target.substr(0, target.find('?')));
  if (const auto refusal = check_framing(message, head.http_1_0, head)) return refusal;
  return check_options(message, head);
}

}  // namespace valence::serve
