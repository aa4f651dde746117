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
#include "formats/catalogue.h"
#include "models/positions.h"
#include "models/sequence_classifier.h"
#include "pipeline/polarity.h"
#include "pipeline/scores.h"
#include "pipeline/text_reader.h"

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

// What one call computes on top of the shared layers.
struct Heads {
  std::vector<const nn::Branch*> branches;
  std::vector<size_t> labels;  // how many, of each head: the model's, then those of `branches`
  std::vector<int> of_task;    // the head that answers it; -1: not asked
};

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
    reader_.load(model.files, model_.config, options);
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
    said += std::to_string(reader_.limit()) + (reader_.social() ? " social " : " ") +
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

  int64_t longest_input() const override { return reader_.limit(); }
  const text::Tokenizer& tokenizer() const override { return reader_.tokenizer(); }

  std::vector<Result> classify(std::span<const std::string_view> texts, int worker,
                               const Reading& reading) override {
    return classify_texts(workers_.at(static_cast<size_t>(worker)), texts, reading);
  }
  std::vector<Result> classify_together(std::span<const std::string_view> texts,
                                        const Reading& reading) override {
    return classify_texts(together_, texts, reading);
  }
  std::vector<Result> classify_pairs(std::span<const TextPair> pairs, int worker,
                                     const Reading& reading) override {
    return classify_some_pairs(workers_.at(static_cast<size_t>(worker)), pairs, reading);
  }
  std::vector<Result> classify_pairs_together(std::span<const TextPair> pairs,
                                              const Reading& reading) override {
    return classify_some_pairs(together_, pairs, reading);
  }

 private:
  std::vector<Result> classify_texts(Worker& worker, std::span<const std::string_view> texts,
                                     const Reading& reading) {
    return classify_with(worker, texts.size(), [&](size_t k) { return TextPair{texts[k]}; }, reading);
  }
  std::vector<Result> classify_some_pairs(Worker& worker, std::span<const TextPair> pairs,
                                          const Reading& reading) {
    return classify_with(worker, pairs.size(), [&](size_t k) { return pairs[k]; }, reading);
  }

  // text -> normalize -> tokenize -> pack -> encode -> head -> result
  template <typename Input>
  std::vector<Result> classify_with(Worker& worker, size_t inputs, const Input& input,
                                    const Reading& reading) {
    std::vector<Result> results(inputs);
    std::vector<Sequence> sequences;
    worker.ids.clear();
    for (size_t k = 0; k < inputs; ++k) {
      reader_.read(input(k), k, reading, worker.ids, results[k], sequences);
    }

    const Heads heads = heads_of(reading);
    // Of each head: [sequences, its labels].
    std::vector<std::vector<float>> logits;
    for (const size_t count : heads.labels) logits.emplace_back(sequences.size() * count);
    std::vector<uint32_t> order(sequences.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return sequences[a].length < sequences[b].length; });
    for (size_t begin = 0; begin < order.size();) {
      if (options_.stop != nullptr && *options_.stop) throw Error(ErrorCode::kInterrupted, "interrupted");
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
      const bool own = !options_.tasks[k].adapter;
      heads.of_task.push_back(!asked ? -1 : own ? 0 : static_cast<int>(heads.labels.size()));
      if (own) continue;
      if (asked) {
        heads.branches.push_back(branches_[branch]);
        heads.labels.push_back(label_counts_[branch + 1]);
      }
      ++branch;
    }
    return heads;
  }

  // The sequences at the front of `order` that make up one batch of at most so many tokens, or one sequence.
  std::span<const uint32_t> next_batch(const std::vector<Sequence>& sequences,
                                       std::span<const uint32_t> order, int64_t most_tokens) const {
    int64_t tokens = 0;
    size_t count = 0;
    while (count < order.size()) {
      tokens += sequences[order[count]].length + reader_.special();
      if (count > 0 && tokens > most_tokens) break;
      ++count;
    }
    return order.first(count);
  }

  // False when the device has no memory for so many tokens: the worker's batches are then halved.
  bool run_batch(Worker& worker, const std::vector<Sequence>& sequences, std::span<const uint32_t> batch,
                 const Heads& heads, std::vector<std::vector<float>>& logits) const {
    const std::vector<int32_t>&prefix = reader_.prefix(), &suffix = reader_.suffix();
    worker.batch_ids.clear();
    worker.cumulative_lengths.assign(1, 0);
    for (const uint32_t k : batch) {
      const auto begin = worker.ids.begin() + sequences[k].begin;
      worker.batch_ids.insert(worker.batch_ids.end(), prefix.begin(), prefix.end());
      worker.batch_ids.insert(worker.batch_ids.end(), begin, begin + sequences[k].length);
      worker.batch_ids.insert(worker.batch_ids.end(), suffix.begin(), suffix.end());
      worker.cumulative_lengths.push_back(static_cast<int32_t>(worker.batch_ids.size()));
    }
    models::set_positions(model_.config, worker.batch_ids, worker.cumulative_lengths, worker.batch_positions);
    set_types(worker, sequences, batch);
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

  // A position's row of token type 1 lies `position_rows` behind that of type 0 (nn::Embeddings).
  void set_types(Worker& worker, const std::vector<Sequence>& sequences,
                 std::span<const uint32_t> batch) const {
    for (size_t k = 0; k < batch.size(); ++k) {
      const int64_t typed = sequences[batch[k]].typed;
      if (typed < 0) continue;
      const int64_t begin =
          worker.cumulative_lengths[k] + static_cast<int64_t>(reader_.prefix().size()) + typed;
      for (int64_t at = begin; at < worker.cumulative_lengths[k + 1]; ++at)
        worker.batch_positions[static_cast<size_t>(at)] += static_cast<int32_t>(model_.config.position_rows);
    }
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
    std::vector<const formats::ModelFiles*> adapters;
    for (const TaskSource& task : options_.tasks) {
      if (task.adapter) adapters.push_back(&task.adapter->files);
    }
    load_adapters(model.files, adapters);
    size_t next = 0;
    for (const TaskSource& task : options_.tasks) {
      if (!task.adapter) {
        tasks_.push_back({task.name, model_.config.labels});
        continue;
      }
      const models::TaskClassifier& loaded = task_models_[next++];
      branches_.push_back(&loaded.branch);
      label_counts_.push_back(static_cast<size_t>(loaded.labels()));
      tasks_.push_back({task.name, loaded.config.labels});
      model_.weight_bytes += loaded.weight_bytes;
    }
  }

  // Merging an adapter into its layers takes tens of milliseconds: each worker takes one at a time.
  void load_adapters(const formats::ModelFiles& files,
                     const std::vector<const formats::ModelFiles*>& adapters) {
    std::vector<std::optional<models::TaskClassifier>> loaded(adapters.size());
    const auto load = [&](size_t k, int worker) {
      loaded[k] = models::load_task_classifier(files, *adapters[k], model_.type,
                                               *workers_[static_cast<size_t>(worker)].backend);
    };
    if (on_gpu_) {
      for (size_t k = 0; k < loaded.size(); ++k) load(k, 0);
    } else {
      pool_.run(loaded.size(), load);
    }
    for (std::optional<models::TaskClassifier>& task : loaded) task_models_.push_back(std::move(*task));
  }

  void make_backends() {
    const WeightType compute = options_.dtype == WeightType::kFp32 ? WeightType::kFp32 : WeightType::kBf16;
    for (Worker& worker : workers_)
      worker.backend = on_gpu_ ? backend::make_cuda_backend(compute) : backend::make_cpu_backend();
    together_.backend = on_gpu_ ? backend::make_cuda_backend(compute) : backend::make_cpu_backend(&pool_);
    for (Worker& worker : workers_) worker.batch_tokens = worker.backend->batch_tokens();
    together_.batch_tokens = together_.backend->batch_tokens();
  }

  // The catalogue knows which models want their tweets prepared and what bare LABEL_0.. stand for.
  void take_settings(const ModelSource& model) {
    models::ModelConfig& config = model_.config;
    const formats::CatalogueEntry* entry = formats::find_in_catalogue(model.name);
    if (entry == nullptr) entry = formats::find_in_catalogue(config.origin);
    reader_.set_social(options_.social == Social::kOn ||
                       (options_.social == Social::kAuto && entry != nullptr && entry->social));
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
  TextReader reader_;
  std::vector<double> places_;
  mutable Provenance provenance_;
};

}  // namespace

std::unique_ptr<Classifier> Classifier::load(const ModelSource& model, const ModelSource* adapter,
                                             const ClassifierOptions& options) {
  return std::make_unique<EncoderClassifier>(model, adapter, options);
}

}  // namespace valence::pipeline
