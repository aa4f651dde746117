#include "routing/measure.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "base/interrupt.h"

namespace valence::routing {
namespace {

using pipeline::Reading;
using pipeline::Result;
using pipeline::Route;

constexpr size_t kTextsAtATime = 256;

struct Counts {
  size_t right = 0, said = 0, true_ones = 0;
};

double macro_f1(const std::vector<Counts>& classes) {
  double sum = 0, present = 0;
  for (const Counts& one : classes) {
    if (one.true_ones == 0) continue;
    present += 1;
    sum += 2 * static_cast<double>(one.right) / static_cast<double>(one.said + one.true_ones);
  }
  return present > 0 ? sum / present : 0;
}

bool could_not(const Result& result) {
  return result.routing && std::ranges::count(result.routing->warnings, "translation_unavailable") > 0;
}

// Of the classes that the texts have, the one with the highest score.
size_t answer_of(const Result& result, const std::vector<Counts>& classes) {
  size_t best = classes.size();
  for (size_t label = 0; label < classes.size(); ++label) {
    if (classes[label].true_ones == 0) continue;
    if (best == classes.size() || result.scores[label] > result.scores[best]) best = label;
  }
  return best;
}

// The row of a language and a route; absent macro_f1 where a text could not take it.
RouteRow measure_route(Router& router, const std::string& language, Route route,
                       const std::vector<const LabelledText*>& texts) {
  RouteRow row{language, route, std::nullopt, 0, false};
  std::vector<Counts> classes(router.labels().size());
  for (const LabelledText* text : texts) ++classes.at(text->label).true_ones;
  for (size_t begin = 0; begin < texts.size(); begin += kTextsAtATime) {
    check_interrupt();
    const auto some = std::span(texts).subspan(begin, std::min(kTextsAtATime, texts.size() - begin));
    std::vector<std::string_view> views;
    for (const LabelledText* text : some) views.push_back(text->text);
    const std::vector<std::string_view> languages(some.size(), language);
    Reading reading;
    reading.tasks = 0;
    reading.languages = languages;
    reading.route = route;
    const std::vector<Result> results = router.classify_together(views, reading);
    for (size_t k = 0; k < results.size(); ++k) {
      if (could_not(results[k])) return row;
      if (!results[k].reject_reason.empty()) {
        --classes[some[k]->label].true_ones;
        continue;
      }
      ++row.rows;
      const size_t answer = answer_of(results[k], classes);
      ++classes[answer].said;
      classes[answer].right += answer == some[k]->label;
    }
  }
  row.macro_f1 = std::round(macro_f1(classes) * 1e4) / 1e4;  // more digits would say nothing
  return row;
}

}  // namespace

RouteTable measure(Router& router, std::span<const LabelledText> texts) {
  std::map<std::string, std::vector<const LabelledText*>> of_language;
  for (const LabelledText& text : texts) of_language[text.language].push_back(&text);
  std::vector<RouteRow> rows;
  for (const auto& [language, some] : of_language) {
    rows.push_back(measure_route(router, language, Route::kNative, some));
    if (router.has_multilingual())
      rows.push_back(measure_route(router, language, Route::kMultilingual, some));
    if (language != "en") rows.push_back(measure_route(router, language, Route::kTranslated, some));
  }
  return RouteTable(std::move(rows));
}

}  // namespace valence::routing
