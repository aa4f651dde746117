#include "train/settings.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"

namespace valence::train {
namespace {

template <typename T>
T parse_number(const std::string& value, T least, T most, const std::string& expected) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !(number >= least && number <= most)) {
    throw std::invalid_argument(expected);
  }
  return number;
}

std::string toml_string(const std::string& value) {
  std::string out;
  formats::append_json_string(out, value);  // TOML's basic strings have JSON's escapes
  for (size_t at = 0; (at = out.find('\x7f', at)) != out.npos;)
    out.replace(at, 1, "\\u007f");  // and this one
  return out;
}

std::string toml_number(double value) {
  std::string out;
  formats::append_json_number(out, value);
  return out.find_first_of(".e") == out.npos ? out + ".0" : out;
}

// Adds settings one after the other.
class List {
 public:
  void text(const char* name, std::string& value, const char* placeholder, const char* help,
            std::vector<std::string> choices = {}) {
    Setting& setting = add(name, Setting::Kind::kText, placeholder, help);
    setting.choices = choices;
    setting.set = [&value, choices = std::move(choices)](const std::string& given) {
      if (!choices.empty() && std::ranges::find(choices, given) == choices.end()) {
        std::string list;
        for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
        throw std::invalid_argument("expected one of " + list);
      }
      value = given;
    };
    setting.toml = [&value] { return value.empty() ? "" : toml_string(value); };
  }
  void integer(const char* name, int64_t& value, int64_t least, const char* help) {
    Setting& setting = add(name, Setting::Kind::kInteger, "N", help);
    setting.set = [&value, least](const std::string& given) {
      constexpr int64_t kMost = int64_t{1} << 40;
      value =
          parse_number<int64_t>(given, least, kMost, "expected a whole number from " + std::to_string(least));
    };
    setting.toml = [&value, least] { return value < least ? "" : std::to_string(value); };
  }
  void number(const char* name, double& value, double least, double most, const char* help) {
    Setting& setting = add(name, Setting::Kind::kNumber, "X", help);
    setting.set = [&value, least, most](const std::string& given) {
      const std::string range =
          most == std::numeric_limits<double>::max()
              ? "expected a number from " + short_number(least)
              : "expected a number from " + short_number(least) + " to " + short_number(most);
      value = parse_number<double>(given, least, most, range);
    };
    setting.toml = [&value, least] { return value < least ? "" : toml_number(value); };
  }
  void flag(const char* name, bool& value, const char* help) {
    Setting& setting = add(name, Setting::Kind::kFlag, "", help);
    setting.set = [&value](const std::string& given) {
      if (given != "true" && given != "false") throw std::invalid_argument("expected true or false");
      value = given == "true";
    };
    setting.toml = [&value] { return std::string(value ? "true" : "false"); };
  }
  void list(const char* name, std::vector<std::string>& values, const char* placeholder, const char* help,
            bool at_commas) {
    Setting& setting = add(name, Setting::Kind::kList, placeholder, help);
    setting.set = [&values, at_commas](const std::string& given) {
      for (size_t begin = 0; begin <= given.size();) {
        const size_t end = at_commas ? std::min(given.find(',', begin), given.size()) : given.size();
        if (end == begin) throw std::invalid_argument("expected names between commas");
        values.push_back(given.substr(begin, end - begin));
        begin = end + 1;
      }
    };
    setting.clear = [&values] { values.clear(); };
    setting.toml = [&values] {
      if (values.empty()) return std::string();
      std::string out = "[";
      for (const std::string& value : values) out += (out.size() > 1 ? ", " : "") + toml_string(value);
      return out + "]";
    };
  }
  std::vector<Setting> take() { return std::move(settings_); }

 private:
  static std::string short_number(double value) {
    std::string out;
    formats::append_json_number(out, value);
    return out;
  }
  Setting& add(const char* name, Setting::Kind kind, const char* placeholder, const char* help) {
    Setting setting;
    setting.name = name;
    setting.kind = kind;
    setting.placeholder = placeholder;
    setting.help = help;
    settings_.push_back(std::move(setting));
    return settings_.back();
  }
  std::vector<Setting> settings_;
};

std::string text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = node.as_floating_point()) {
    std::string out;
    formats::append_json_number(out, number->get());
    return out;
  }
  throw std::invalid_argument("expected a string, a number, true or false");
}

void set_from_toml(const Setting& setting, const toml::node& node) {
  const bool is_text = node.is_string();
  const bool wants_text = setting.kind == Setting::Kind::kText || setting.kind == Setting::Kind::kList;
  if (setting.kind == Setting::Kind::kList) {
    const toml::array* list = node.as_array();
    if (list == nullptr) throw std::invalid_argument("expected a list of strings");
    setting.clear();
    for (const toml::node& member : *list) {
      if (!member.is_string()) throw std::invalid_argument("expected a list of strings");
      setting.set(member.as_string()->get());
    }
    return;
  }
  if (is_text != wants_text) {
    throw std::invalid_argument(wants_text ? "expected a string" : "expected a number, true or false");
  }
  setting.set(text_of(node));
}

}  // namespace

std::string Setting::key() const {
  std::string out = name;
  std::ranges::replace(out, '-', '_');
  return out;
}

double Settings::chosen_learning_rate(int64_t hidden) const {
  if (learning_rate > 0) return learning_rate;
  return (method == "full" ? 5e-5 : 5e-4) * 768.0 / static_cast<double>(hidden);
}

std::vector<Setting> settings_of(Settings& s) {
  constexpr double kMost = std::numeric_limits<double>::max();
  List list;
  list.list("data", s.data, "FILE", "Labelled rows: CSV, TSV or JSON Lines, also .gz and .zst", false);
  list.text("text-column", s.text_column, "NAME", "The column of the texts");
  list.list("label-column", s.label_column, "NAME", "The column of the labels; several: one for each label",
            false);
  list.text("model", s.model, "MODEL", "What the training starts from");
  list.text("adapter", s.adapter, "DIR", "A PEFT adapter whose training goes on");
  list.text("method", s.method, "METHOD", "All weights, a LoRA adapter, or one beside 4-bit weights",
            {"qlora", "lora", "full"});
  list.integer("rank", s.rank, 1, "Rank of the adapter");
  list.number("alpha", s.alpha, 0, 1e6, "Its updates are scaled by alpha / rank");
  list.number("dropout", s.dropout, 0, 0.99, "Dropout of the adapter's input");
  list.flag("rslora", s.rslora, "Scale by alpha / sqrt(rank)");
  list.list("targets", s.targets, "NAMES", "Matrices with an update: q_lin,v_lin", true);
  list.text("freeze", s.freeze, "PART", "What --method full leaves as it is", {"none", "embeddings"});
  list.flag("lazy-words", s.lazy_words, "Update a word's embedding only in steps in which it occurs");
  list.number("epochs", s.epochs, 0.001, 1e6, "Passes over the data");
  list.integer("steps", s.steps, 1, "Updates, whatever --epochs says");
  list.integer("batch-size", s.batch_size, 1, "Rows of a micro batch");
  list.integer("accumulation", s.accumulation, 1, "Micro batches of an update");
  list.number("learning-rate", s.learning_rate, 1e-12, 1e38, "The largest rate of the schedule");
  list.number("word-learning-rate", s.word_learning_rate, 1e-12, 1e38, "That of word embeddings, if another");
  list.text("schedule", s.schedule, "NAME", "How the rate falls", {"linear", "cosine", "constant"});
  list.number("warmup", s.warmup, 0, 1e12, "Steps until the rate is reached; below 1 a share of all");
  list.number("weight-decay", s.weight_decay, 0, 1e6, "Decay of matrices");
  list.number("clip", s.clip, 0, kMost, "Largest norm of all gradients; 0: none");
  list.text("optimizer", s.optimizer, "NAME", "AdamW, its moments in 32 or 8 bits, or in a file",
            {"adamw", "adamw-8bit", "paged-adamw-8bit"});
  list.text("attention", s.attention, "NAME", "Without or with a matrix of tokens x tokens",
            {"flash", "standard"});
  list.text("dtype", s.dtype, "TYPE", "Of products with the encoder's matrices", {"fp32", "bf16"});
  list.flag("recompute", s.recompute, "Compute activations again instead of keeping them");
  list.text("class-weights", s.class_weights, "WEIGHTS", "none, auto, or LABEL=W,LABEL=W");
  list.number("label-smoothing", s.label_smoothing, 0, 0.99, "Share of the target spread over all labels");
  list.flag("labels-of-files", s.labels_of_files, "Compare a row's label with those that its file has only");
  list.integer("early-stopping-patience", s.early_stopping_patience, 0,
               "Evaluations without a gain; 0: never");
  list.text("problem-type", s.problem_type, "TYPE", "What the labels are",
            {"single_label_classification", "multi_label_classification", "regression"});
  list.text("label-separator", s.label_separator, "S", "Between the labels of a multi-label cell");
  list.text("validation", s.validation, "FILE", "Rows to evaluate on");
  list.number("validation-share", s.validation_share, 0, 0.9, "Share of the data to evaluate on; 0: none");
  list.flag("shuffle", s.shuffle, "Rows in a new order in each epoch");
  list.integer("seed", s.seed, 0, "Of everything that is drawn");
  list.integer("max-length", s.max_length, 3, "Tokens of a text; longer ones are cut");
  list.integer("save-steps", s.save_steps, 1,
               "Steps between checkpoints (default: an epoch, and ten minutes)");
  list.integer("log-every", s.log_every, 1, "Steps that an entry of the log is the mean of");
  list.text("device", s.device, "DEVICE", "Where to compute (auto: a GPU if there is one)",
            {"auto", "cpu", "cuda"});
  list.integer("threads", s.threads, 1, "Cores to use");
  return list.take();
}

void apply_preset(const std::string& name, Settings& settings) {
  if (name != "qlora-distilbert") {
    throw Error(ErrorCode::kUsage,
                "train: --preset: " + printable(name, 60) + " is not known, expected qlora-distilbert");
  }
  settings.method = "qlora";
  settings.rank = 8;
  settings.alpha = 16;
  settings.dropout = 0.1;
  settings.targets = {"q_lin", "v_lin"};
  settings.optimizer = "paged-adamw-8bit";
  settings.attention = "flash";
  settings.dtype = "bf16";
  settings.batch_size = 8;
  settings.accumulation = 4;
  settings.learning_rate = 2e-5;
  settings.epochs = 5;
}

void read_settings(const std::string& file, Settings& settings) {
  const auto bytes = map_file(file);
  const std::vector<Setting> all = settings_of(settings);
  try {
    const toml::table table = toml::parse(bytes->text(), file);
    for (const auto& [key, node] : table) {
      const std::string where = file + ":" + std::to_string(node.source().begin.line) + ": " +
                                printable(std::string(key.str()), 60);
      const auto found = std::ranges::find_if(all, [&](const Setting& s) { return s.key() == key.str(); });
      if (found == all.end()) throw Error(ErrorCode::kBadConfig, where + " is no setting of train");
      try {
        set_from_toml(*found, node);
      } catch (const std::invalid_argument& error) {
        throw Error(ErrorCode::kBadConfig, where + ": " + error.what());
      }
    }
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::kBadConfig, file + ":" + std::to_string(error.source().begin.line) + ": " +
                                           std::string(error.description()));
  }
}

std::string settings_as_toml(Settings settings) {
  std::string out;
  for (const Setting& setting : settings_of(settings)) {
    const std::string value = setting.toml();
    if (!value.empty()) out += setting.key() + " = " + value + "\n";
  }
  return out;
}

}  // namespace valence::train
