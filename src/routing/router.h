// Each text to the route that is best for its language.
//
//   text -> language (given, or detected) -> route (forced, or the table's) -> model -> answer
//
// A translation that fails the guard sends its text to another route, with a warning. A router is a
// classifier: whatever reads texts by one reads them by routes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "language/detector.h"
#include "pipeline/classifier.h"
#include "pipeline/translator.h"
#include "routing/route_table.h"

namespace valence::routing {

struct RouterOptions {
  std::optional<RouteTable> table;       // absent: every text takes the native route
  std::optional<std::string> language;   // of the texts whose caller does not know it; absent: detected
  std::optional<pipeline::Route> route;  // of all texts; absent: the table's
  // Tasks that the native model answers by its own head: every route has those.
  uint64_t own_tasks = 0;
  // Called at the first text that takes such a route; null where there is none. The multilingual model has
  // the labels and the number of workers of the native one.
  std::function<std::unique_ptr<pipeline::Classifier>()> load_multilingual;
  std::function<std::unique_ptr<pipeline::Translator>(const std::string& language)> load_translator;
  // What the translators of these languages are, for fingerprint(); nothing when unset.
  std::function<std::string(const std::vector<std::string>& languages)> translators;
};

// The code of a language as results show it, of what a user wrote ("DE", "pt-BR"); empty when it is none.
std::string language_code(std::string_view said);

class Router final : public pipeline::Classifier {
 public:
  Router(std::unique_ptr<pipeline::Classifier> native, RouterOptions options);
  ~Router() override;

  const std::vector<std::string>& labels() const override { return native_->labels(); }
  bool multi_label() const override { return native_->multi_label(); }
  const std::vector<pipeline::Task>& tasks() const override { return native_->tasks(); }
  bool regression() const override { return native_->regression(); }
  int64_t longest_input() const override { return native_->longest_input(); }
  const text::Tokenizer& tokenizer() const override { return native_->tokenizer(); }
  int workers() const override { return native_->workers(); }
  bool routes() const override { return true; }
  std::string language_of(std::string_view text) const override;
  pipeline::Provenance provenance() const override { return native_->provenance(); }
  // Loads the multilingual model when it is asked for.
  pipeline::Provenance provenance_of(pipeline::Route route) const override;
  // Of what is loaded.
  size_t weight_bytes() const override;
  std::string fingerprint() const override;
  bool has_multilingual() const { return multilingual() != nullptr; }
  // Loads the multilingual model and the detector beside the caller's work, rather than at the first text
  // that wants them.
  void warm_in_background();
  // Likewise the translator of options.language. Errors: those of load_translator.
  void warm_translator() const { translator(options_.language.value()); }

  std::vector<pipeline::Result> classify(std::span<const std::string_view> texts, int worker,
                                         const pipeline::Reading& reading) override;
  std::vector<pipeline::Result> classify_together(std::span<const std::string_view> texts,
                                                  const pipeline::Reading& reading) override;
  // Inputs of two texts are read by the native model; their results name no route.
  std::vector<pipeline::Result> classify_pairs(std::span<const pipeline::TextPair> pairs, int worker,
                                               const pipeline::Reading& reading) override;
  std::vector<pipeline::Result> classify_pairs_together(std::span<const pipeline::TextPair> pairs,
                                                        const pipeline::Reading& reading) override;

 private:
  using Inputs = std::vector<pipeline::TextPair>;
  using Read = std::function<std::vector<pipeline::Result>(pipeline::Classifier&, const Inputs&)>;

  std::vector<pipeline::Result> classify_by_routes(std::span<const pipeline::TextPair> inputs,
                                                   const pipeline::Reading& reading, int threads,
                                                   const Read& read) const;
  pipeline::Routing plan(std::string_view text, std::string_view language,
                         std::optional<pipeline::Route> route) const;
  void translate(std::span<const pipeline::TextPair> inputs, std::vector<pipeline::Routing>& plans,
                 int threads) const;
  void add_tasks(const pipeline::Reading& reading, pipeline::Routing& plan, pipeline::Result& result) const;
  pipeline::Route other_route(const std::string& language) const;
  std::vector<std::string> may_be_translated() const;
  const language::Detector& detector() const;
  pipeline::Classifier* multilingual() const;
  const pipeline::Translator* translator(const std::string& language) const;

  std::unique_ptr<pipeline::Classifier> native_;
  RouterOptions options_;
  // What is loaded on demand, each with what guards its loading: nobody waits for what he does not need.
  mutable std::mutex detector_mutex_, multilingual_mutex_, translators_mutex_;
  mutable std::optional<language::Detector> detector_;
  mutable std::optional<std::unique_ptr<pipeline::Classifier>> multilingual_;
  mutable std::map<std::string, std::unique_ptr<pipeline::Translator>> translators_;
  std::thread warming_;
};

}  // namespace valence::routing
