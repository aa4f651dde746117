#include "pipeline/translator.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "formats/json.h"
#include "models/marian.h"
#include "pipeline/text_search.h"
#include "text/marian_tokenizer.h"

namespace valence::pipeline {
namespace {

// Rows of a step: enough to read the weights seldom, few enough that the activations stay in cache.
constexpr size_t kRows = 192;
// Source tokens that are encoded at a time.
constexpr size_t kSourceTokens = 512;

// The language that a folder translates into, "" where nothing says so: tokenizer_config.json, or the last
// part of a name such as opus-mt-fr-en.
std::string target_language(const formats::ModelFiles& files) {
  if (files.has("tokenizer_config.json")) {
    const std::string where = files.describe("tokenizer_config.json");
    const formats::Json root = formats::Json::parse(files.open("tokenizer_config.json")->text(), where);
    const formats::Json* language = root.get("target_lang");
    if (language != nullptr && language->is_string()) return language->as_string(where);
  }
  const std::string name = std::filesystem::path(files.name()).filename().string();
  const size_t dash = name.rfind('-');
  return name.find("opus-mt-") == name.npos || dash == name.npos ? "" : name.substr(dash + 1);
}

}  // namespace

struct Translator::Model {
  models::MarianModel marian;
  models::GenerationSettings settings;
  std::unique_ptr<text::MarianTokenizer> tokenizer;
  std::string target_language;
};

// Takes texts from a counter that all workers share.
class Translator::Worker {
 public:
  Worker(const Model& model, std::span<const std::string> texts, std::atomic<size_t>& next,
         std::span<Translation> results, ThreadPool* pool)
      : model_(model),
        texts_(texts),
        next_(next),
        results_(results),
        backend_(backend::make_cpu_decoding_backend(pool)),
        decoder_(model.marian.layers, *backend_) {}

  void run() {
    while (true) {
      admit();
      if (open_.empty()) return;
      check_interrupt();
      step();
    }
  }

 private:
  struct Open {
    size_t index;
    std::vector<int32_t> ids;  // of the source
    bool cut;                  // the source was longer than the model's positions
    nn::Source source;
    TextSearch search;
  };

  // Reads texts while there is room for their rows.
  void admit() {
    const auto beams = static_cast<size_t>(model_.settings.beams);
    std::vector<int32_t> ids, cumulative = {0};
    const size_t first = open_.size();
    while (ids.size() < kSourceTokens && (open_.empty() || (open_.size() + 1) * beams <= kRows)) {
      const size_t index = next_++;
      if (index >= texts_.size()) break;
      if (!is_blank(texts_[index])) {
        add(index);
        ids.insert(ids.end(), open_.back()->ids.begin(), open_.back()->ids.end());
        cumulative.push_back(static_cast<int32_t>(ids.size()));
      } else {
        results_[index].status = TranslationStatus::kEmpty;
      }
    }
    if (ids.empty()) return;
    std::vector<nn::Source> sources = decoder_.read(ids, cumulative);
    for (size_t k = 0; k < sources.size(); ++k) open_[first + k]->source = std::move(sources[k]);
    finish_done();
  }

  void add(size_t index) {
    std::vector<int32_t> ids;
    model_.tokenizer->encode(texts_[index], ids);
    const auto most = static_cast<size_t>(model_.marian.config.positions);
    const bool cut = ids.size() > most;
    if (cut) {
      const int32_t end = ids.back();
      ids.resize(most);
      ids.back() = end;
    }
    open_.push_back(std::make_unique<Open>(
        Open{index, std::move(ids), cut, {}, TextSearch(model_.settings, model_.marian.config.start)}));
  }

  void step() {
    rows_.clear();
    scores_.clear();
    for (const auto& open : open_) {
      for (TextSearch::Hypothesis& hypothesis : open->search.running()) {
        rows_.push_back({&open->source, open->search.last_token(hypothesis), &hypothesis.slots});
        scores_.push_back(open->search.wanted(hypothesis));
      }
    }
    decoder_.step(rows_, scores_);
    std::span<const backend::TokenScores> rest = scores_;
    for (const auto& open : open_) {
      const size_t count = open->search.running().size();
      open->search.advance(rest.first(count));
      rest = rest.subspan(count);
    }
    finish_done();
  }

  void finish_done() {
    std::erase_if(open_, [&](const std::unique_ptr<Open>& open) {
      if (!open->search.done()) return false;
      Translation& result = results_[open->index];
      result.ids = open->search.tokens();
      result.text = model_.tokenizer->decode(result.ids);
      const std::string_view source = texts_[open->index];
      result.status = judge({source, result.text, std::span(open->ids).first(open->ids.size() - 1),
                             result.ids, open->cut || open->search.cut(), language_of(source)});
      return true;
    });
  }

  // A model for several target languages is told by >>code<<, which may end in a script (zho_Hans).
  std::string_view language_of(std::string_view source) const {
    if (!source.starts_with(">>")) return model_.target_language;
    const size_t end = source.find("<<");
    if (end == source.npos) return model_.target_language;
    const std::string_view code = source.substr(2, end - 2);
    return code.substr(0, code.find('_'));
  }

  const Model& model_;
  std::span<const std::string> texts_;
  std::atomic<size_t>& next_;
  std::span<Translation> results_;
  std::unique_ptr<backend::DecodingBackend> backend_;
  nn::Decoder decoder_;
  std::vector<std::unique_ptr<Open>> open_;
  std::vector<nn::StepRow> rows_;
  std::vector<backend::TokenScores> scores_;
};

Translator::Translator(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Translator::~Translator() = default;

std::unique_ptr<Translator> Translator::load(const formats::ModelFiles& files,
                                             const TranslatorOptions& options) {
  if (!text::MarianTokenizer::is_in(files))
    throw Error(ErrorCode::kBadConfig, printable(files.name()) + " is no Marian model: it has no source.spm");
  auto model = std::make_unique<Model>();
  model->tokenizer = text::MarianTokenizer::load(files);
  const auto backend = backend::make_cpu_decoding_backend();
  model->marian = models::load_marian(files, options.type, backend->layers());
  if (model->tokenizer->vocab_size() > model->marian.config.source_vocab) {
    throw Error(ErrorCode::kBadData, files.describe("vocab.json") + " has ids up to " +
                                         std::to_string(model->tokenizer->vocab_size() - 1) +
                                         ", config.json has a vocab_size of " +
                                         std::to_string(model->marian.config.source_vocab));
  }
  model->settings = model->marian.generation;
  if (options.beams) model->settings.beams = *options.beams;
  if (options.max_length) model->settings.max_length = *options.max_length;
  // Each token but the last is read at a position.
  model->settings.max_length = std::min(model->settings.max_length, model->marian.config.positions + 1);
  model->target_language = target_language(files);
  return std::unique_ptr<Translator>(new Translator(std::move(model)));
}

std::vector<Translation> Translator::translate(std::span<const std::string> texts, int threads) const {
  std::vector<Translation> results(texts.size());
  std::atomic<size_t> next = 0;
  ThreadPool pool(std::max(1, threads));
  // Few texts go faster one after another on all cores than each on its own.
  if (texts.size() < 2 * static_cast<size_t>(pool.size())) {
    Worker(*model_, texts, next, results, pool.size() > 1 ? &pool : nullptr).run();
    return results;
  }
  pool.run(static_cast<size_t>(pool.size()),
           [&](size_t, int) { Worker(*model_, texts, next, results, nullptr).run(); });
  return results;
}

}  // namespace valence::pipeline
