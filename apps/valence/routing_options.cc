#include "routing_options.h"

#include "base/error.h"
#include "base/files.h"
#include "pipeline/bundled.h"

namespace valence::app {
namespace {

std::string checked_language(const std::string& code) {
  const std::string known = routing::language_code(code);
  if (!known.empty()) return known;
  throw Error(ErrorCode::kUsage, "--lang " + printable(code.empty() ? "''" : code, 60) +
                                     " is no language, expected a code of ISO 639 such as fr");
}

std::unique_ptr<pipeline::Translator> load_translator(const pipeline::ModelSource& model,
                                                      const ModelOptions& options) {
  pipeline::TranslatorOptions chosen;
  chosen.type = api::parse_dtype(options.dtype.value_or("auto"));
  if (!pipeline::is_translator(model.files)) {
    throw Error(ErrorCode::kBadConfig,
                printable(model.files.name()) + " is no Marian model: it has no source.spm");
  }
  return pipeline::Translator::load(model.files, chosen);
}

}  // namespace

routing::RouteTable read_route_table(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw Error(ErrorCode::kNoInput, "--routes " + printable(path) + ": there is no such file");
  return routing::RouteTable::parse(map_file(path)->text(), printable(path));
}

void add_routing_options(Command& command, RoutingOptions& options) {
  command.text("lang", options.language, Value::kWord, "CODE", "The language of all texts (default: detected)");
  command.choice("route", options.route, {"auto", "native", "multilingual", "translated"},
                 "The route of all texts (auto: the best for each language)");
  command.text("routes", options.table, Value::kFile, "FILE", "Routes as `valence routes --measure` wrote them");
  command.text("translator", options.translator, Value::kFolder, "MODEL",
               "For the route translated (default: Helsinki-NLP/opus-mt-LANG-en)");
}

std::unique_ptr<routing::Router> load_router(const api::ChosenModel& chosen, const ModelOptions& model,
                                             const RoutingOptions& options) {
  routing::RouterOptions router;
  if (options.language) router.language = checked_language(*options.language);
  router.route = pipeline::route_by_name(options.route.value_or("auto"));
  if (options.table) {
    router.table = read_route_table(*options.table);
  } else if (!model.model && !model.adapter) {
    router.table = routing::RouteTable::embedded();
  }
  std::unique_ptr<pipeline::Classifier> native = load_classifier(chosen, model);
  for (size_t k = 0; k < native->tasks().size() && k < 64; ++k) {
    if (native->tasks()[k].name == "sentiment") router.own_tasks |= uint64_t{1} << k;
  }
  ModelOptions other;  // computes as the model does
  other.device = model.device;
  other.dtype = model.dtype;
  other.social = model.social;
  other.long_text = model.long_text;
  other.expected_bytes = model.expected_bytes;
  other.threads = native->workers();
  router.load_multilingual = [other]() -> std::unique_ptr<pipeline::Classifier> {
    std::optional<pipeline::ModelSource> source = pipeline::find_bundled_model("multilingual");
    if (!source) return nullptr;
    return load_classifier({std::move(*source), std::nullopt}, other);
  };
  const bool must = router.route == pipeline::Route::kTranslated && router.language && *router.language != "en";
  const auto translator = [model, named = options.translator, must](
                              const std::string& language) -> std::unique_ptr<pipeline::Translator> {
    if (named) return load_translator(find_model(*named), model);
    try {
      return load_translator(api::find_model("Helsinki-NLP/opus-mt-" + language + "-en", api::Download::kNever), model);
    } catch (const Error& error) {
      if (must || error.code() != ErrorCode::kUnavailable) throw;
      return nullptr;
    }
  };
  router.load_translator = translator;
  auto routed = std::make_unique<routing::Router>(std::move(native), std::move(router));
  if (must) routed->warm_translator();
  return routed;
}

std::unique_ptr<pipeline::Classifier> load_routed(const api::ChosenModel& chosen, const ModelOptions& model,
                                                  const RoutingOptions& options, bool always) {
  if (!always && !options.any() && (model.model || model.adapter)) return load_classifier(chosen, model);
  return load_router(chosen, model, options);
}

}  // namespace valence::app
