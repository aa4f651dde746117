// How good each route is for each language, on labelled texts.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "routing/router.h"

namespace valence::routing {

struct LabelledText {
  std::string language;  // as language_code() gives it
  size_t label = 0;      // index in the router's labels
  std::string text;
};

// For every language of the texts a row for each route that can be taken: macro-F1 over the classes that the
// language's texts have. A route is measured with what it falls back to; one without its model is in the
// table as not measured (translated) or not at all (multilingual). Errors: those of classifying.
RouteTable measure(Router& router, std::span<const LabelledText> texts);

}  // namespace valence::routing
