#include "routing/load.h"

#include "base/error.h"
#include "base/sha256.h"
#include "hub/hub.h"
#include "pipeline/bundled.h"

namespace valence::routing {
namespace {

using pipeline::Classifier;
using pipeline::ClassifierOptions;
using pipeline::ModelSource;
using pipeline::Route;
using pipeline::Translator;

std::unique_ptr<Translator> load_translator(const formats::ModelFiles& files,
                                            const ClassifierOptions& options) {
  pipeline::TranslatorOptions chosen;
  chosen.type = options.dtype;
  return Translator::load(files, chosen);
}

std::string translator_of(const std::string& language) { return "Helsinki-NLP/opus-mt-" + language + "-en"; }

// Names and sizes of the files; of those that are read as text, all of it.
std::string identity_of(const formats::ModelFiles& files) {
  std::string said;
  for (const std::string& name : files.names()) {
    const std::shared_ptr<const FileBytes> file = files.open(name);
    said += name + ' ' + std::to_string(file->bytes().size()) + '\n';
    if (name.ends_with(".json")) said += sha256_hex(file->bytes()) + '\n';
  }
  return said;
}

// Of the cache; absent when it is not there.
std::optional<hub::Resolved> find_translator(const std::string& language) {
  hub::HubOptions options = hub::HubOptions::from_environment();
  options.offline = true;
  try {
    return hub::resolve(translator_of(language), options, hub::Need::kModel);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    return std::nullopt;
  }
}

}  // namespace

std::unique_ptr<Router> load_router(const ModelSource& model, const ModelSource* adapter,
                                    const ClassifierOptions& options, RoutingChoice choice) {
  std::unique_ptr<Classifier> native = Classifier::load(model, adapter, options);
  RouterOptions router;
  router.table = std::move(choice.table);
  router.language = std::move(choice.language);
  router.route = choice.route;
  for (size_t k = 0; k < options.tasks.size() && k < 64; ++k) {
    if (!options.tasks[k].adapter) router.own_tasks |= uint64_t{1} << k;
  }
  ClassifierOptions other = options;
  other.tasks.clear();
  other.threads = native->workers();
  router.load_multilingual = [other]() -> std::unique_ptr<Classifier> {
    const std::optional<ModelSource> source = pipeline::find_bundled_model("multilingual");
    return source ? Classifier::load(*source, nullptr, other) : nullptr;
  };
  router.translators = [named = choice.translator](const std::vector<std::string>& languages) {
    if (named) return identity_of(named->files);
    std::string said;
    for (const std::string& language : languages) {
      if (const auto found = find_translator(language))
        said += found->name + '@' + found->revision + ' ' + identity_of(found->files) + '\n';
    }
    return said;
  };
  const bool must = router.route == Route::kTranslated && router.language && *router.language != "en";
  router.load_translator = [options, must, named = std::move(choice.translator)](
                               const std::string& language) -> std::unique_ptr<Translator> {
    if (named) return load_translator(named->files, options);
    if (const std::optional<hub::Resolved> found = find_translator(language))
      return load_translator(found->files, options);
    if (!must) return nullptr;
    throw Error(ErrorCode::kUnavailable, "there is no translator from " + language + " here: valence pull " +
                                             translator_of(language) + ", or name one with --translator");
  };
  auto routed = std::make_unique<Router>(std::move(native), std::move(router));
  if (must) routed->warm_translator();
  return routed;
}

}  // namespace valence::routing
