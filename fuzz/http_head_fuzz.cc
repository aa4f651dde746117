// links: valence_serve
// The path of a request: the bytes of a head, then what the routes make of its body.
#include "fuzz_target.h"
#include "serve/head_guard.h"
#include "serve/routes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace valence;
  const std::string bytes(fuzz::as_text(data, size));
  const bool early = serve::check_head_so_far(bytes).has_value();
  serve::Head head;
  const bool refused = serve::read_head(bytes, head).has_value();
  fuzz::must(!early || refused, "what can never become a head is refused as one");
  if (refused) return 0;
  fuzz::must(bytes.ends_with("\r\n\r\n"), "a head ends with an empty line");
  fuzz::must(head.path.starts_with('/'), "a path begins with a slash");
  serve::find_route(head.method, head.path);
  return 0;
}
