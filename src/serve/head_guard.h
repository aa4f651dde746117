// What the head of an HTTP request must look like before Beast's parser sees it, and what that parser lets
// pass. Two programs that read one stream of bytes in different ways can be made to disagree about where a
// request ends (request smuggling), so everything that is not plain is refused (RFC 9110, 9112).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace valence::serve {

constexpr size_t kLongestHead = 8192;  // bytes, the empty line included

struct Refusal {
  int status = 400;
  const char* code = "bad_request";
  const char* message = "";
};

// A part of a head that is still arriving: nothing when it may become a good one.
std::optional<Refusal> check_head_so_far(std::string_view bytes);

// What the server needs of a head.
struct Head {
  std::string method;
  std::string path;  // without the query
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_100 = false;
  bool has_length = false;
  uint64_t content_length = 0;
  std::string content_type;  // the media type in small letters, without parameters
  bool encoded = false;      // a Content-Encoding other than identity
  std::string accept, authorization;
  std::string inference_header_length;  // Inference-Header-Content-Length of the Open Inference Protocol
};

// `bytes` is a whole head with its empty line. On a refusal the connection is to be closed: where the next
// request begins is not known.
std::optional<Refusal> read_head(std::string_view bytes, Head& head);

}  // namespace valence::serve
