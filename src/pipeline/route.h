// The way that a text took to its answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valence::pipeline {

enum class Route {
  kNative,        // the model itself
  kMultilingual,  // the model of many languages
  kTranslated,    // the model itself, on a translation
};

const char* route_name(Route route);  // "native", "multilingual", "translated"
std::optional<Route> route_by_name(std::string_view name);

struct Routing {
  std::string language;   // ISO 639 as in lid.176, or "und"
  double confidence = 0;  // of the language, 0 to 1; 1 where the caller named it
  Route route = Route::kNative;
  std::string translation;  // what was read in place of the text; empty on other routes
  // Why a better route was not taken, or what this one cannot answer: "translation_" with the status of a
  // failed translation, "translation_unavailable", "tasks_unavailable".
  std::vector<std::string> warnings;
};

// "language":L,"language_confidence":C,"route":R, and where there are any "translation":T and
// "warnings":[...].
void append_routing(std::string& out, const Routing& routing);
// ["translation_empty",...]
std::string json_of_warnings(const Routing& routing);

}  // namespace valence::pipeline
