// A router over a model, what the program carries and what the hub's cache holds.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "routing/router.h"

namespace valence::routing {

struct RoutingChoice {
  std::optional<RouteTable> table;                  // absent: every text takes the native route
  std::optional<std::string> language;              // of all texts, a language_code(); absent: detected
  std::optional<pipeline::Route> route;             // of all texts; absent: the table's
  std::optional<pipeline::ModelSource> translator;  // absent: Helsinki-NLP/opus-mt-LANGUAGE-en of the cache
};

// `model` and `adapter` are the native route; the multilingual one is the model that the program carries
// under that name, computed as `options` say. Errors: those of Classifier::load and Translator::load;
// kUnavailable where route and language ask for a translator that is not there.
std::unique_ptr<Router> load_router(const pipeline::ModelSource& model, const pipeline::ModelSource* adapter,
                                    const pipeline::ClassifierOptions& options, RoutingChoice choice);

}  // namespace valence::routing
