// What decides a training run, as flags and train.toml name it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valence::train {

enum class Schedule { kLinear, kCosine, kConstant };

struct Settings {
  std::vector<std::string> data;
  std::string text_column;                // empty: as valence analyze finds it
  std::vector<std::string> label_column;  // several: one for each label
  std::string model = "default";
  std::string adapter;

  std::string method = "lora";
  int64_t rank = 8;
  double alpha = 16;
  double dropout = 0.05;
  bool rslora = false;
  std::vector<std::string> targets;
  std::string freeze = "none";
  bool lazy_words = false;

  double epochs = 3;
  int64_t steps = 0;  // 0: epochs decide
  int64_t batch_size = 16;
  int64_t accumulation = 1;
  double learning_rate = 0;       // 0: by method and width
  double word_learning_rate = 0;  // of the word embeddings; 0: learning_rate
  std::string schedule = "linear";
  double warmup = 0.06;
  double weight_decay = 0.01;
  double clip = 1;
  std::string optimizer = "adamw";
  std::string attention = "flash";
  std::string dtype = "fp32";
  bool recompute = false;

  std::string class_weights = "none";
  double label_smoothing = 0;
  bool labels_of_files = false;
  int64_t early_stopping_patience = 0;  // evaluations without a gain; 0: none
  std::string problem_type;             // empty: the model's, else single label
  std::string label_separator;
  std::string validation;
  double validation_share = 0.1;
  bool shuffle = true;
  int64_t seed = 42;
  int64_t max_length = 128;
  int64_t save_steps = 0;  // 0: at the end of each epoch, and every ten minutes
  int64_t log_every = 10;
  std::string device = "auto";  // a run writes down which one it became
  int64_t threads = 0;          // 0: all cores

  // Narrow models want larger steps: 5e-5 for full training of one that is 768 wide, ten times that for
  // updates.
  double chosen_learning_rate(int64_t hidden) const;
};

// One of them under its name.
struct Setting {
  enum class Kind { kText, kInteger, kNumber, kFlag, kList };
  std::string name;  // "learning-rate"; its key in a file has _ for -
  Kind kind;
  std::string placeholder;
  std::string help;
  std::vector<std::string> choices;
  // Takes a value as it is written on a command line; of a list, one more of them, or several between commas.
  // Throws std::invalid_argument saying what was expected.
  std::function<void(const std::string& value)> set;
  std::function<std::string()> toml;  // the value as TOML, "" where none is set
  std::function<void()> clear;        // of a list

  std::string key() const;
};

// All settings of `settings`, which must outlive them, in the order of the documentation.
std::vector<Setting> settings_of(Settings& settings);

// Errors: kUsage for an unknown name.
void apply_preset(const std::string& name, Settings& settings);
// Errors: kNoInput, kBadConfig naming file, line and key.
void read_settings(const std::string& file, Settings& settings);
// As a file that read_settings() reads back to the same.
std::string settings_as_toml(Settings settings);

}  // namespace valence::train
