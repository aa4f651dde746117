// The web page: the files of web/dist, part of the program.

#include "serve/routes.h"

// Placed by files.S.
extern "C" {
extern const char valence_page_html[], valence_page_html_end[];
extern const char valence_page_script[], valence_page_script_end[];
extern const char valence_page_style[], valence_page_style_end[];
extern const char valence_page_icon[], valence_page_icon_end[];
}

namespace valence::serve {
namespace {

Response file(const char* begin, const char* end, const char* type) {
  Response response;
  response.content_type = type;
  response.lasting_body = {begin, static_cast<size_t>(end - begin)};
  response.headers = {{"Content-Security-Policy",
                       "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri "
                       "'none'; form-action 'none'"},
                      {"Cache-Control", "no-cache"}};
  return response;
}

}  // namespace

void get_page(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(file(valence_page_html, valence_page_html_end, "text/html; charset=utf-8"));
}
void get_script(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(file(valence_page_script, valence_page_script_end, "text/javascript; charset=utf-8"));
}
void get_style(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(file(valence_page_style, valence_page_style_end, "text/css; charset=utf-8"));
}
void get_icon(Context& /*context*/, const Request& /*request*/, const Respond& respond) {
  respond(file(valence_page_icon, valence_page_icon_end, "image/svg+xml"));
}

}  // namespace valence::serve
