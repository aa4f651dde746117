#include "pipeline/route.h"

#include "formats/json.h"

namespace valence::pipeline {

using formats::append_json_number;
using formats::append_json_string;

const char* route_name(Route route) {
  switch (route) {
    case Route::kNative:
      return "native";
    case Route::kMultilingual:
      return "multilingual";
    case Route::kTranslated:
      break;
  }
  return "translated";
}

std::optional<Route> route_by_name(std::string_view name) {
  for (const Route route : {Route::kNative, Route::kMultilingual, Route::kTranslated}) {
    if (name == route_name(route)) return route;
  }
  return std::nullopt;
}

std::string json_of_warnings(const Routing& routing) {
  std::string out = "[";
  for (const std::string& warning : routing.warnings) {
    if (out.size() > 1) out += ',';
    append_json_string(out, warning);
  }
  return out + "]";
}

void append_routing(std::string& out, const Routing& routing) {
  out += "\"language\":";
  append_json_string(out, routing.language);
  out += ",\"language_confidence\":";
  append_json_number(out, static_cast<float>(routing.confidence));
  out += ",\"route\":";
  append_json_string(out, route_name(routing.route));
  if (routing.route == Route::kTranslated) {
    out += ",\"translation\":";
    append_json_string(out, routing.translation);
  }
  if (!routing.warnings.empty()) out += ",\"warnings\":" + json_of_warnings(routing);
}

}  // namespace valence::pipeline
