// Which path answers what.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/context.h"

namespace valence::serve {

enum class Body { kNone, kJson, kAny, kStream };

struct Route {
  const char* path;   // "{}" stands for the name of a model
  const char* allow;  // the methods, for Allow; the first is the one that `handle` answers
  Body body = Body::kNone;
  bool open = false;    // answers without the key
  bool engine = false;  // waits for the engine: refused while the queue is full
  Dialect dialect = Dialect::kNative;
  void (*handle)(Context& context, const Request& request,
                 const Respond& respond) = nullptr;  // null for a stream
};

struct Found {
  const Route* route = nullptr;  // null: the path is unknown
  bool method_allowed = false;
  std::string name;  // in place of "{}"
};
Found find_route(std::string_view method, std::string_view path);

// GET routes that look at the server alone (routes_info.cc).
void get_models(Context& context, const Request& request, const Respond& respond);
void get_model(Context& context, const Request& request, const Respond& respond);
void get_info(Context& context, const Request& request, const Respond& respond);
void get_health(Context& context, const Request& request, const Respond& respond);
void get_metrics(Context& context, const Request& request, const Respond& respond);
void get_openapi(Context& context, const Request& request, const Respond& respond);
void get_server_metadata(Context& context, const Request& request, const Respond& respond);
void get_live(Context& context, const Request& request, const Respond& respond);
void get_model_metadata(Context& context, const Request& request, const Respond& respond);
void get_model_ready(Context& context, const Request& request, const Respond& respond);

// The page (page.cc).
void get_page(Context& context, const Request& request, const Respond& respond);
void get_script(Context& context, const Request& request, const Respond& respond);
void get_style(Context& context, const Request& request, const Respond& respond);
void get_icon(Context& context, const Request& request, const Respond& respond);

}  // namespace valence::serve
