// The options by which commands say how texts of several languages are read.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "command_line.h"
#include "model_options.h"
#include "routing/router.h"

namespace valence::app {

struct RoutingOptions {
  std::optional<std::string> language, route, table, translator;
  // Whether one of them was given.
  bool any() const { return language || route || table || translator; }
};

// --lang, --route, --routes, --translator
void add_routing_options(Command& command, RoutingOptions& options);

// Errors: kNoInput, and those of RouteTable::parse.
routing::RouteTable read_route_table(const std::string& path);

// Texts take routes when no model was named, or one of the routing options was, or `always`. Then the model
// is the native route, the multilingual one is what the program carries, and of a translator that is not
// named what the hub's cache holds. A named model is not left for another route unless --route or --routes
// says so. Errors: those of choose_model, load_classifier and RouteTable::parse; kUsage for an unknown
// language; kUnavailable for --route translated and --lang without a translator.
std::unique_ptr<pipeline::Classifier> load_routed(const api::ChosenModel& chosen, const ModelOptions& model,
                                                  const RoutingOptions& options, bool always);
std::unique_ptr<routing::Router> load_router(const api::ChosenModel& chosen, const ModelOptions& model,
                                             const RoutingOptions& options);

}  // namespace valence::app
