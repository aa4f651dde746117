#include "routing_options.h"

#include "base/error.h"
#include "base/files.h"
#include "routing/load.h"

namespace valence::app {
namespace {

std::string checked_language(const std::string& code) {
  const std::string known = routing::language_code(code);
  if (!known.empty()) return known;
  throw Error(ErrorCode::kUsage, "--lang " + printable(code.empty() ? "''" : code, 60) +
                                     " is no language, expected a code of ISO 639 such as fr");
}

}  // namespace

routing::RouteTable read_route_table(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw Error(ErrorCode::kNoInput, "--routes " + printable(path) + ": there is no such file");
  return routing::RouteTable::parse(map_file(path)->text(), printable(path));
}

void add_routing_options(Command& command, RoutingOptions& options) {
  command.text("lang", options.language, Value::kWord, "CODE",
               "The language of all texts (default: detected)");
  command.choice("route", options.route, {"auto", "native", "multilingual", "translated"},
                 "The route of all texts (auto: the best for each language)");
  command.text("routes", options.table, Value::kFile, "FILE",
               "Routes as `valence routes --measure` wrote them");
  command.text("translator", options.translator, Value::kFolder, "MODEL",
               "For the route translated (default: Helsinki-NLP/opus-mt-LANG-en)");
}

std::unique_ptr<routing::Router> load_router(const api::ChosenModel& chosen, const ModelOptions& model,
                                             const RoutingOptions& options) {
  routing::RoutingChoice choice;
  if (options.language) choice.language = checked_language(*options.language);
  choice.route = pipeline::route_by_name(options.route.value_or("auto"));
  if (options.table) {
    choice.table = read_route_table(*options.table);
  } else if (!model.model && !model.adapter) {
    choice.table = routing::RouteTable::embedded();
  }
  if (options.translator) choice.translator = find_model(*options.translator);
  return routing::load_router(chosen.model, chosen.adapter ? &*chosen.adapter : nullptr,
                              classifier_options(model), std::move(choice));
}

std::unique_ptr<pipeline::Classifier> load_routed(const api::ChosenModel& chosen, const ModelOptions& model,
                                                  const RoutingOptions& options, bool always) {
  if (!always && !options.any() && (model.model || model.adapter)) return load_classifier(chosen, model);
  return load_router(chosen, model, options);
}

}  // namespace valence::app
