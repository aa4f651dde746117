#include "routing/router.h"

#include <algorithm>

#include "base/error.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "language/language_table.h"
#include "pipeline/letters.h"

namespace valence::routing {

using pipeline::Classifier;
using pipeline::Reading;
using pipeline::Result;
using pipeline::Route;
using pipeline::Routing;
using pipeline::TextPair;

namespace {

// Where neither words nor table say anything: letters of another script are not for a model of English.
Route route_of_unknown(std::string_view script) {
  return script == "Latn" || script == "Zyyy" ? Route::kNative : Route::kMultilingual;
}

}  // namespace

std::string language_code(std::string_view said) {
  std::string code(said.substr(0, said.find_first_of("-_")));
  std::ranges::transform(code, code.begin(),
                         [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
  // Of the codes of three letters, those by which `detect` names a language.
  const bool known =
      language::is_known_language(code) || (code.size() == 2 && pipeline::is_language_code(code));
  return known ? code : "";
}

Router::Router(std::unique_ptr<Classifier> native, RouterOptions options)
    : native_(std::move(native)), options_(std::move(options)) {
  VALENCE_CHECK(options_.load_multilingual && options_.load_translator);
}

const language::Detector& Router::detector() const {
  const std::lock_guard lock(detector_mutex_);
  if (!detector_) detector_ = language::Detector::embedded();
  return *detector_;
}

Classifier* Router::multilingual() const {
  const std::lock_guard lock(multilingual_mutex_);
  if (!multilingual_) {
    std::unique_ptr<Classifier> loaded = options_.load_multilingual();
    if (loaded && loaded->labels() != native_->labels())
      throw Error(ErrorCode::kUsage, "the multilingual route answers other labels than the model");
    VALENCE_CHECK(!loaded || loaded->workers() == native_->workers());
    multilingual_ = std::move(loaded);
  }
  return multilingual_->get();
}

const pipeline::Translator* Router::translator(const std::string& language) const {
  const std::lock_guard lock(translators_mutex_);
  const auto found = translators_.find(language);
  if (found != translators_.end()) return found->second.get();
  return translators_.emplace(language, options_.load_translator(language)).first->second.get();
}

Router::~Router() {
  if (warming_.joinable()) warming_.join();
}

void Router::warm_in_background() {
  VALENCE_CHECK(!warming_.joinable());
  warming_ = std::thread([this] {
    try {
      detector();
      multilingual();
    } catch (const std::exception&) {
      // The first text that wants it meets the error again.
    }
  });
}

pipeline::Provenance Router::provenance_of(Route route) const {
  const Classifier* other = route == Route::kMultilingual ? multilingual() : nullptr;
  return other != nullptr ? other->provenance() : native_->provenance();
}

size_t Router::weight_bytes() const {
  const std::lock_guard lock(multilingual_mutex_);
  return native_->weight_bytes() + (multilingual_ && *multilingual_ ? (*multilingual_)->weight_bytes() : 0);
}

std::string Router::fingerprint() const {
  std::string said = native_->fingerprint() + '\n' + options_.language.value_or("") + '\n' +
                     (options_.route ? pipeline::route_name(*options_.route) : "") + '\n' +
                     (options_.table ? options_.table->json() : "");
  if (const Classifier* other = multilingual()) said += '\n' + other->fingerprint();
  if (options_.translators) said += '\n' + options_.translators(may_be_translated());
  return sha256_hex(std::as_bytes(std::span(said)));
}

// The languages that the options send there, as far as they name them.
std::vector<std::string> Router::may_be_translated() const {
  const bool forced = options_.route == Route::kTranslated;
  std::vector<std::string> languages;
  if (forced && options_.language) languages.push_back(*options_.language);
  if (!options_.table) return languages;
  for (const RouteRow& row : options_.table->rows()) {
    if (row.is_default && (forced || row.route == Route::kTranslated)) languages.push_back(row.language);
  }
  return languages;
}

std::string Router::language_of(std::string_view text) const { return plan(text, "", std::nullopt).language; }

std::vector<Result> Router::classify(std::span<const std::string_view> texts, int worker,
                                     const Reading& reading) {
  return classify_pairs(Inputs(texts.begin(), texts.end()), worker, reading);
}

std::vector<Result> Router::classify_together(std::span<const std::string_view> texts,
                                              const Reading& reading) {
  return classify_pairs_together(Inputs(texts.begin(), texts.end()), reading);
}

std::vector<Result> Router::classify_pairs(std::span<const TextPair> pairs, int worker,
                                           const Reading& reading) {
  return classify_by_routes(pairs, reading, 1, [&](Classifier& model, const Inputs& some) {
    return model.classify_pairs(some, worker, reading);
  });
}

std::vector<Result> Router::classify_pairs_together(std::span<const TextPair> pairs, const Reading& reading) {
  return classify_by_routes(pairs, reading, workers(), [&](Classifier& model, const Inputs& some) {
    return model.classify_pairs_together(some, reading);
  });
}

Routing Router::plan(std::string_view text, std::string_view language, std::optional<Route> route) const {
  Routing plan;
  Route by_script = Route::kNative;
  const std::string given = language_code(language.empty() ? options_.language.value_or("") : language);
  if (!given.empty()) {
    plan.language = given;
    plan.confidence = 1;
    if (given != "en") by_script = Route::kMultilingual;
  } else if (is_valid_utf8(text)) {
    const language::Detection found = detector().detect(text);
    plan.language = found.language;
    plan.confidence = found.confidence;
    if (found.language != "en")
      by_script = found.language == "und" ? route_of_unknown(found.script) : Route::kMultilingual;
  } else {
    plan.language = "und";  // the model rejects it
  }
  if (route) {
    plan.route = *route;
  } else if (options_.table) {
    plan.route = options_.table->default_of(plan.language).value_or(by_script);
  }
  if (plan.route == Route::kTranslated && plan.language == "en") plan.route = Route::kNative;
  return plan;
}

Route Router::other_route(const std::string& language) const {
  if (language == "en" || !options_.table || multilingual() == nullptr) return Route::kNative;
  const auto best = options_.table->default_of(language);
  return best && *best != Route::kTranslated ? *best : Route::kMultilingual;
}

// Those of a language together. What cannot be translated goes another way.
void Router::translate(std::span<const TextPair> inputs, std::vector<Routing>& plans, int threads) const {
  std::map<std::string, std::vector<size_t>> of_language;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (plans[k].route == Route::kTranslated) of_language[plans[k].language].push_back(k);
  }
  for (const auto& [language, places] : of_language) {
    const pipeline::Translator* model = translator(language);
    std::vector<pipeline::Translation> translations(places.size());
    if (model != nullptr) {
      std::vector<std::string> sources;
      for (const size_t k : places) sources.emplace_back(is_valid_utf8(inputs[k].text) ? inputs[k].text : "");
      translations = model->translate(sources, threads);
    }
    for (size_t n = 0; n < places.size(); ++n) {
      Routing& plan = plans[places[n]];
      if (model != nullptr && translations[n].status == pipeline::TranslationStatus::kOk &&
          !is_blank(translations[n].text)) {
        plan.translation = std::move(translations[n].text);
        continue;
      }
      plan.warnings.push_back(
          std::string("translation_") +
          (model == nullptr ? "unavailable" : pipeline::status_name(translations[n].status)));
      plan.route = other_route(language);
    }
  }
}

std::vector<Result> Router::classify_by_routes(std::span<const TextPair> inputs, const Reading& reading,
                                               int threads, const Read& read) const {
  VALENCE_CHECK(reading.languages.empty() || reading.languages.size() == inputs.size());
  std::vector<Routing> plans(inputs.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].pair) continue;
    plans[k] = plan(inputs[k].text, reading.languages.empty() ? "" : reading.languages[k],
                    reading.route ? reading.route : options_.route);
  }
  translate(inputs, plans, threads);
  bool some_multilingual = false;
  for (Routing& plan : plans) {
    if (plan.route != Route::kMultilingual) continue;
    if (multilingual() == nullptr) plan.route = Route::kNative;
    some_multilingual |= plan.route == Route::kMultilingual;
  }

  std::vector<Result> results(inputs.size());
  const auto answer = [&](Classifier& model, bool other) {
    Inputs some;
    std::vector<size_t> places;
    for (size_t k = 0; k < inputs.size(); ++k) {
      if ((plans[k].route == Route::kMultilingual) != other) continue;
      places.push_back(k);
      some.push_back(plans[k].route == Route::kTranslated ? TextPair{plans[k].translation} : inputs[k]);
    }
    if (some.empty()) return;
    std::vector<Result> found = read(model, some);
    for (size_t n = 0; n < places.size(); ++n) results[places[n]] = std::move(found[n]);
  };
  answer(*native_, false);
  if (some_multilingual) answer(*multilingual(), true);
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].pair) continue;
    if (results[k].reject_reason.empty()) add_tasks(reading, plans[k], results[k]);
    results[k].routing = std::move(plans[k]);
  }
  return results;
}

// What the multilingual model cannot answer is left out, and said.
void Router::add_tasks(const Reading& reading, Routing& plan, Result& result) const {
  if (plan.route != Route::kMultilingual) return;
  result.tasks.assign(tasks().size(), {});
  bool missing = false;
  for (size_t k = 0; k < tasks().size(); ++k) {
    if (k >= 64 || (reading.tasks >> k & 1) == 0) continue;
    if ((options_.own_tasks >> k & 1) != 0) {
      result.tasks[k] = {result.scores, result.label};
    } else {
      missing = true;
    }
  }
  if (missing) plan.warnings.emplace_back("tasks_unavailable");
}

}  // namespace valence::routing
