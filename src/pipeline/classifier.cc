#include "pipeline/classifier.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

#include "backend/cuda.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "formats/catalogue.h"
#include "models/positions.h"
#include "models/sequence_classifier.h"
#include "pipeline/polarity.h"
#include "pipeline/scores.h"
#include "pipeline/windows.h"
#include "text/social.h"
#include "text/tokenizer.h"

namespace valence::pipeline {
namespace {

using backend::WeightType;
using models::Problem;

// Bytes of text below which starting a GPU is not tried: an estimate.
constexpr uint64_t kWorthAGpu = 1 << 20;
// Each has its own stream, and some hundred MB of GPU memory for a batch.
constexpr int kMostGpuWorkers = 16;

const char* type_name(WeightType type) {
  switch (type) {
    case WeightType::kFp32:
      return "fp32";
    case WeightType::kBf16:
      return "bf16";
    case WeightType::kInt8:
      return "int8";
    case WeightType::kNf4:
      break;
  }
  return "nf4";
}

// What one call works on; kept from call to call so that memory is taken once.
struct Worker {
  std::unique_ptr<backend::Backend> backend;
  int64_t batch_tokens = 0;
  nn::Workspace workspace;
  std::vector<int32_t> ids;  // of all texts, special tokens included
  std::vector<int32_t> batch_ids, batch_positions, cumulative_lengths;
};

// A stretch of one text that goes through the encoder as one sequence.
struct Sequence {
  size_t text = 0;
  int64_t begin = 0;   // of its tokens in Worker::ids, special tokens aside
  int64_t length = 0;  // special tokens aside
};

// What one call computes on top of the shared layers.
struct Heads {
  std::vector<const nn::Branch*> branches;
  std::vector<size_t> labels;  // how many, of each head: the model's, then those of `branches`
  std::vector<int> of_task;    // the head that answers it; -1: not asked
};

void reject(Result& result, std::string reason, std::string message) {
  result.reject_reason = std::move(reason);
  result.reject_message = std::move(message);
}

bool wants_gpu(const ClassifierOptions& options) {
  if (options.device != Device::kAuto) return options.device == Device::kCuda;
  return options.expected_bytes >= kWorthAGpu && options.dtype != WeightType::kInt8 &&
         backend::find_cuda_device().usable;
}

int threads_of(const ClassifierOptions& options, bool on_gpu) {
  if (options.threads > 0) return options.threads;
  return on_gpu ? std::min(usable_cores(), kMostGpuWorkers) : usable_cores();
}

class EncoderClassifier final : public Classifier {
 public:
  EncoderClassifier(const ModelSource& model, const ModelSource* adapter, const ClassifierOptions& options)
      : options_(options),
        on_gpu_(wants_gpu(options)),
        threads_(threads_of(options, on_gpu_)),
        pool_(threads_) {
    provenance_.model = model.name;
    provenance_.revision = model.revision;
    if (adapter != nullptr) provenance_.adapter = adapter->name;
    workers_.resize(static_cast<size_t>(threads_));
    make_backends();
    model_ = models::load_sequence_classifier(model.files, adapter != nullptr ? &adapter->files : nullptr,
                                              options.dtype, *workers_.front().backend);
    load_tasks(model);
    load_tokenizer(model.files);
    take_settings(model);
    provenance_.dtype = type_name(model_.type);
    provenance_.device = workers_.front().backend->description();
  }

  const std::vector<std::string>& labels() const override { return model_.config.labels; }
  bool multi_label() const override { return model_.config.problem == Problem::kMultiLabel; }
  const std::vector<Task>& tasks() const override { return tasks_; }
  bool regression() const override { return model_.config.problem == Problem::kRegression; }
  size_t weight_bytes() const override { return model_.weight_bytes; }
  int workers() const override { return threads_; }

  Provenance provenance() const override {
    if (provenance_.sha256.empty()) provenance_.sha256 = model_.checkpoint.sha256();
    return provenance_;
  }

  std::string fingerprint() const override {
    std::string said = provenance_.revision + '\n' + provenance_.dtype + '\n' + provenance_.device + '\n';
    said += std::to_string(limit_) + (social_ ? " social " : " ") +
            std::to_string(static_cast<int>(options_.long_text));
    const auto add = [&](const formats::Checkpoint& checkpoint) {
      said += '\n' + std::to_string(checkpoint.file_bytes());
      for (const auto& [name, tensor] : checkpoint.tensors())
        said += '\n' + name + formats::shape_text(tensor.shape);
    };
    add(model_.checkpoint);
    if (model_.adapter) add(*model_.adapter);
    for (const models::TaskClassifier& task : task_models_) add(task.adapter);
    for (const Task& task : tasks_) said += '\n' + task.name;
    for (const std::string& label : labels()) said += '\n' + label;
    return sha256_hex(std::as_bytes(std::span(said)));
  }

  int64_t longest_input() const override { return limit_; }
  const text::Tokenizer& tokenizer() const override { return *tokenizer_; }

  std::vector<Result> classify(std::span<const std::string_view> texts, int worker,
                               const Reading& reading) override {
    return classify_with(workers_.at(static_cast<size_t>(worker)), texts, reading);
  }
  std::vector<Result> classify_together(std::span<const std::string_view> texts,
                                        const Reading& reading) override {
    return classify_with(together_, texts, reading);
  }

 private:
  // text -> normalize -> tokenize -> pack -> encode -> head -> result
  std::vector<Result> classify_with(Worker& worker, std::span<const std::string_view> texts,
                                    const Reading& reading) {
    std::vector<Result> results(texts.size());
    std::vector<Sequence> sequences;
    worker.ids.clear();
    for (size_t k = 0; k < texts.size(); ++k) read_text(texts[k], k, reading, worker, results[k], sequences);

    const Heads heads = heads_of(reading);
    // Of each head: [sequences, its labels].
    std::vector<std::vector<float>> logits;
    for (const size_t count : heads.labels) logits.emplace_back(sequences.size() * count);
    std::vector<uint32_t> order(sequences.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return sequences[a].length < sequences[b].length; });
    for (size_t begin = 0; begin < order.size();) {
      const std::span<const uint32_t> batch =
          next_batch(sequences, std::span(order).subspan(begin), worker.batch_tokens);
      if (run_batch(worker, sequences, batch, heads, logits)) begin += batch.size();
    }
    for (size_t k = 0; k < sequences.size();) {
      Result& result = results[sequences[k].text];
      const auto windows = static_cast<size_t>(result.windows);  // a rejected result has none any more
      finish(logits, heads, k, result);
      k += windows;
    }
    return results;
  }

  Heads heads_of(const Reading& reading) const {
    Heads heads;
    heads.labels.push_back(label_counts_.front());
    size_t branch = 0;
    for (size_t k = 0; k < options_.tasks.size(); ++k) {
      const bool asked = k < 64 && (reading.tasks >> k & 1) != 0;
      if (!options_.tasks[k].adapter) {
        heads.of_task.push_back(asked ? 0 : -1);
        continue;
      }
      heads.of_task.push_back(asked ? static_cast<int>(heads.labels.size()) : -1);
      if (asked) {
        heads.branches.push_back(branches_[branch]);
        heads.labels.push_back(label_counts_[branch + 1]);
      }
      ++branch;
    }
    return heads;
  }

  // Tokenizes one text and appends the sequences that it is read in; or says why it cannot be used.
  void read_text(std::string_view text, size_t index, const Reading& reading, Worker& worker, Result& result,
                 std::vector<Sequence>& sequences) const {
    if (!is_valid_utf8(text)) return reject(result, "invalid_encoding", "the text is not valid UTF-8");
    if (is_blank(text)) return reject(result, "empty_text", "the text is empty or blank");
    const auto first = static_cast<int64_t>(worker.ids.size());
    if (social_) {
      tokenizer_->encode(text::preprocess_tweet(text), worker.ids);
    } else {
      tokenizer_->encode(text, worker.ids);
    }
    result.tokens = static_cast<int64_t>(worker.ids.size()) - first;
    const auto special = static_cast<int64_t>(prefix_.size() + suffix_.size());
    const int64_t content = result.tokens - special, capacity = limit_ - special;
    const int64_t begin = first + static_cast<int64_t>(prefix_.size());
    const LongText long_text = reading.long_text.value_or(options_.long_text);
    if (content > capacity && long_text == LongText::kError) {
      const std::string tokens = std::to_string(result.tokens);
      result = {};
      return reject(result, "too_long",
                    "the text has " + tokens + " tokens, the model reads at most " + std::to_string(limit_));
    }
    result.truncated = content > capacity && long_text == LongText::kTruncate;
    const std::vector<Window> windows = windows_of(result.truncated ? capacity : content, capacity);
    const int64_t skipped = result.truncated && reading.keep_end ? content - capacity : 0;
    result.windows = static_cast<int32_t>(windows.size());
    for (const Window& window : windows)
      sequences.push_back({index, begin + skipped + window.begin, window.length});
  }

  // The sequences at the front of `order` that make up one batch of at most so many tokens, or one sequence.
  std::span<const uint32_t> next_batch(const std::vector<Sequence>& sequences,
                                       std::span<const uint32_t> order, int64_t most_tokens) const {
    const auto special = static_cast<int64_t>(prefix_.size() + suffix_.size());
    int64_t tokens = 0;
    size_t count = 0;
    while (count < order.size()) {
      tokens += sequences[order[count]].length + special;
      if (count > 0 && tokens > most_tokens) break;
      ++count;
    }
    return order.first(count);
  }

  // False when the device has no memory for so many tokens: the worker's batches are then halved.
  bool run_batch(Worker& worker, const std::vector<Sequence>& sequences, std::span<const uint32_t> batch,
                 const Heads& heads, std::vector<std::vector<float>>& logits) const {
    worker.batch_ids.clear();
    worker.cumulative_lengths.assign(1, 0);
    for (const uint32_t k : batch) {
      const auto begin = worker.ids.begin() + sequences[k].begin;
      worker.batch_ids.insert(worker.batch_ids.end(), prefix_.begin(), prefix_.end());
      worker.batch_ids.insert(worker.batch_ids.end(), begin, begin + sequences[k].length);
      worker.batch_ids.insert(worker.batch_ids.end(), suffix_.begin(), suffix_.end());
      worker.cumulative_lengths.push_back(static_cast<int32_t>(worker.batch_ids.size()));
    }
    models::set_positions(model_.config, worker.batch_ids, worker.cumulative_lengths, worker.batch_positions);
    std::vector<std::vector<float>> out;
    for (const size_t count : heads.labels) out.emplace_back(batch.size() * count);
    const std::vector<std::span<float>> outputs(out.begin(), out.end());
    try {
      nn::classify(*worker.backend, model_.encoder, model_.head, heads.branches,
                   {worker.batch_ids, worker.batch_positions, worker.cumulative_lengths}, worker.workspace,
                   outputs);
    } catch (const Error& error) {
      worker.workspace = {};
      if (error.code() != ErrorCode::kNoMemory || batch.size() == 1) throw;
      worker.batch_tokens = static_cast<int64_t>(worker.batch_ids.size()) / 2;
      return false;
    }
    for (size_t head = 0; head < out.size(); ++head) {
      const size_t count = heads.labels[head];
      for (size_t k = 0; k < batch.size(); ++k) {
        std::copy_n(out[head].begin() + static_cast<ptrdiff_t>(k * count), count,
                    logits[head].begin() + static_cast<ptrdiff_t>(batch[k] * count));
      }
    }
    return true;
  }

  // The mean of the logits of a text's windows, the first of which is sequence `first`, and what follows from
  // it.
  void finish(const std::vector<std::vector<float>>& logits, const Heads& heads, size_t first,
              Result& result) const {
    std::vector<std::vector<float>> means;
    for (size_t head = 0; head < logits.size(); ++head) {
      const size_t count = heads.labels[head], windows = static_cast<size_t>(result.windows);
      means.push_back(
          mean_of_windows(std::span(logits[head]).subspan(first * count, windows * count), count));
      if (std::ranges::all_of(means.back(), [](float logit) { return std::isfinite(logit); })) continue;
      result = {};
      return reject(result, "not_finite", "the model's answer is not a finite number");
    }
    result.logits = means.front();
    result.scores = scores_of(result.logits, model_.config.problem);
    result.label = best_of(result.scores);
    const bool exclusive = model_.config.problem == Problem::kSingleLabel && result.scores.size() > 1;
    result.polarity = exclusive ? polarity(places_, result.scores) : std::numeric_limits<double>::quiet_NaN();
    result.tasks.resize(options_.tasks.size());
    size_t adapters = 0;
    for (size_t k = 0; k < options_.tasks.size(); ++k) {
      const bool own = !options_.tasks[k].adapter;
      const Problem problem = own ? model_.config.problem : task_models_[adapters++].config.problem;
      if (heads.of_task[k] < 0) continue;
      TaskResult& answer = result.tasks[k];
      answer.scores = scores_of(means[static_cast<size_t>(heads.of_task[k])], problem);
      answer.label = best_of(answer.scores);
    }
  }

  void load_tasks(const ModelSource& model) {
    label_counts_.push_back(static_cast<size_t>(model_.labels()));
    for (const TaskSource& task : options_.tasks) {
      if (!task.adapter) {
        tasks_.push_back({task.name, model_.config.labels});
        continue;
      }
      const models::TaskClassifier& loaded = task_models_.emplace_back(models::load_task_classifier(
          model.files, task.adapter->files, model_.type, *workers_.front().backend));
      branches_.push_back(&loaded.branch);
      label_counts_.push_back(static_cast<size_t>(loaded.labels()));
      tasks_.push_back({task.name, loaded.config.labels});
      model_.weight_bytes += loaded.weight_bytes;
    }
  }

  void make_backends() {
    const WeightType compute = options_.dtype == WeightType::kFp32 ? WeightType::kFp32 : WeightType::kBf16;
    for (Worker& worker : workers_)
      worker.backend = on_gpu_ ? backend::make_cuda_backend(compute) : backend::make_cpu_backend();
    together_.backend = on_gpu_ ? backend::make_cuda_backend(compute) : backend::make_cpu_backend(&pool_);
    for (Worker& worker : workers_) worker.batch_tokens = worker.backend->batch_tokens();
    together_.batch_tokens = together_.backend->batch_tokens();
  }

  void load_tokenizer(const formats::ModelFiles& files) {
    tokenizer_ = text::Tokenizer::load(files);
    if (tokenizer_->vocab_size() > model_.config.vocab_size) {
      throw Error(ErrorCode::kBadData, printable(files.name()) + ": the tokenizer has ids up to " +
                                           std::to_string(tokenizer_->vocab_size() - 1) +
                                           ", the embedding has rows for " +
                                           std::to_string(model_.config.vocab_size));
    }
    prefix_ = tokenizer_->prefix_ids();
    suffix_ = tokenizer_->suffix_ids();
    limit_ = models::longest_input(files, model_.config);
    if (limit_ <= static_cast<int64_t>(prefix_.size() + suffix_.size())) {
      throw Error(ErrorCode::kBadConfig, printable(files.name()) + ": an input of " + std::to_string(limit_) +
                                             " tokens leaves no room for a text beside the special tokens");
    }
  }

  // The catalogue knows which models want their tweets prepared and what bare LABEL_0.. stand for.
  void take_settings(const ModelSource& model) {
    models::ModelConfig& config = model_.config;
    const formats::CatalogueEntry* entry = formats::find_in_catalogue(model.name);
    if (entry == nullptr) entry = formats::find_in_catalogue(config.origin);
    social_ = options_.social == Social::kOn ||
              (options_.social == Social::kAuto && entry != nullptr && entry->social);
    const bool bare = std::all_of(config.labels.begin(), config.labels.end(),
                                  [](const std::string& label) { return label.starts_with("LABEL_"); });
    if (bare && entry != nullptr && entry->labels.size() == config.labels.size())
      config.labels = entry->labels;
    places_ = label_polarities(config.labels);
  }

  ClassifierOptions options_;
  bool on_gpu_;
  int threads_;
  ThreadPool pool_;
  std::vector<Worker> workers_;
  Worker together_;
  models::SequenceClassifier model_;
  std::deque<models::TaskClassifier> task_models_;
  std::vector<const nn::Branch*> branches_;  // of task_models_
  std::vector<size_t> label_counts_;         // of each head: the model's, then those of task_models_
  std::vector<Task> tasks_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::vector<int32_t> prefix_, suffix_;
  int64_t limit_ = 0;  // tokens of the longest input, special tokens included
  bool social_ = false;
  std::vector<double> places_;
  mutable Provenance provenance_;
};

}  // namespace

std::unique_ptr<Classifier> Classifier::load(const ModelSource& model, const ModelSource* adapter,
                                             const ClassifierOptions& options) {
  return std::make_unique<EncoderClassifier>(model, adapter, options);
}

}  // namespace valence::pipeline
