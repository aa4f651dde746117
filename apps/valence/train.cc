// valence train: fine-tunes a model on labelled rows.

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <stdexcept>

#include "base/error.h"
#include "commands.h"
#include "model_options.h"
#include "pipeline/bundled.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace valence::app {
namespace {

struct TrainOptions {
  std::vector<std::string> data;
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, std::optional<std::string>> values;
  std::map<std::string, bool> flags;
  bool no_shuffle = false, quiet = false;
  std::optional<std::string> output, config, preset, resume;
};

// A file or folder so that it is found from anywhere, when the run is resumed or repeated.
void make_absolute(std::string& path) {
  std::error_code ignored;
  if (!path.empty() && std::filesystem::exists(path, ignored)) {
    path = std::filesystem::absolute(path).lexically_normal().string();
  }
}

// What the program carries has no folder, whatever lies beside the user.
bool is_bundled(const std::string& name) {
  return pipeline::find_bundled_model(name) || pipeline::find_bundled_adapter(name);
}

// Flags win over the file, the file over the preset.
train::Settings settings_of(const TrainOptions& options) {
  train::Settings settings;
  if (options.preset) train::apply_preset(*options.preset, settings);
  if (options.config) train::read_settings(*options.config, settings);
  for (const train::Setting& setting : train::settings_of(settings)) {
    const auto set = [&](const std::string& value) {
      try {
        setting.set(value);
      } catch (const std::invalid_argument& error) {
        throw Error(ErrorCode::kUsage,
                    "train: --" + setting.name + ": got " + printable(value, 60) + ", " + error.what());
      }
    };
    if (const auto value = options.values.find(setting.name); value != options.values.end() && value->second)
      set(*value->second);
    if (const auto flag = options.flags.find(setting.name); flag != options.flags.end() && flag->second)
      set("true");
    const auto list = options.lists.find(setting.name);
    if (list == options.lists.end() || list->second.empty()) continue;
    setting.clear();
    for (const std::string& value : list->second) set(value);
  }
  if (!options.data.empty()) settings.data = options.data;
  if (options.no_shuffle) settings.shuffle = false;
  for (std::string& file : settings.data) make_absolute(file);
  make_absolute(settings.validation);
  for (std::string* path : {&settings.model, &settings.adapter}) {
    if (!is_bundled(*path)) make_absolute(*path);
  }
  return settings;
}

train::ModelSource find_source(const train::Settings& settings) {
  const std::optional<std::string> adapter =
      settings.adapter.empty() ? std::nullopt : std::optional(settings.adapter);
  const api::ChosenModel chosen = api::choose_model(settings.model, adapter, api::Download::kAllowed);
  train::ModelSource source{chosen.model.files, {}, chosen.model.name};
  if (chosen.adapter) source.adapter = chosen.adapter->files;
  return source;
}

// On a terminal one line that changes; elsewhere a line now and then.
class Screen {
 public:
  explicit Screen(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0) {}

  train::Watch watch() {
    train::Watch watch;
    watch.keep_quiet = quiet_;
    watch.say = [this](const std::string& line) {
      clear();
      std::fprintf(stderr, "valence: %s\n", line.c_str());
    };
    if (!quiet_) watch.progress = [this](const train::Watch::Progress& progress) { show(progress); };
    return watch;
  }
  void clear() {
    if (open_) std::fputs("\r\x1b[K", stderr);
    open_ = false;
  }

 private:
  void show(const train::Watch::Progress& p) {
    const auto now = std::chrono::steady_clock::now();
    if (p.step < p.steps && now - last_ < std::chrono::milliseconds(terminal_ ? 200 : 10'000)) return;
    last_ = now;
    const auto left = std::lround(p.seconds_left);
    std::fprintf(stderr, "%sstep %lld/%lld  loss %.4f  rate %.2e  %.1f texts/s  %ld:%02ld:%02ld left%s",
                 terminal_ ? "\r\x1b[K" : "valence: ", static_cast<long long>(p.step),
                 static_cast<long long>(p.steps), p.loss, p.learning_rate, p.texts_per_second, left / 3600,
                 left / 60 % 60, left % 60, terminal_ ? "" : "\n");
    open_ = terminal_;
  }

  const bool quiet_, terminal_;
  bool open_ = false;
  std::chrono::steady_clock::time_point last_;
};

int train_model(const TrainOptions& options) {
  Screen screen(options.quiet);
  const train::Watch watch = screen.watch();
  train::Outcome outcome;
  std::filesystem::path folder;
  try {
    if (options.resume) {
      folder = *options.resume;
      const train::Settings settings = train::settings_of_run(folder);
      if (train::is_finished(folder)) {
        if (watch.say && !options.quiet) watch.say(folder.string() + " is finished already");
        return 0;
      }
      outcome = train::resume(settings, find_source(settings), folder, watch);
    } else {
      if (!options.output)
        throw Error(ErrorCode::kUsage, "train: --output is missing, expected a new folder");
      folder = *options.output;
      const train::Settings settings = settings_of(options);
      outcome = train::train(settings, find_source(settings), folder, watch);
    }
  } catch (...) {
    screen.clear();
    throw;
  }
  screen.clear();
  if (!options.quiet) {
    std::fprintf(stderr, "valence: %lld steps, %.1f texts/s; the model is in %s\n",
                 static_cast<long long>(outcome.steps), outcome.texts_per_second,
                 printable(folder.string()).c_str());
  }
  return 0;
}

}  // namespace

void add_train(Program& program) {
  auto options = std::make_shared<TrainOptions>();
  Command& command =
      program.add("train", "Fine-tune a model on labelled rows", [options] { return train_model(*options); });
  command.arguments(options->data, "DATA", 0, 1000,
                    "Labelled rows: CSV, TSV or JSON Lines, also .gz and .zst");
  command.text("output,o", options->output, Value::kFolder, "DIR", "Where the model goes: a new folder");
  command.text("config", options->config, Value::kFile, "FILE", "Settings in TOML; flags win over it");
  command.text("preset", options->preset, Value::kWord, "NAME", "qlora-distilbert: the known recipe");
  command.text("resume", options->resume, Value::kFolder, "DIR", "Go on with the run in DIR");
  train::Settings settings;
  for (const train::Setting& setting : train::settings_of(settings)) {
    if (setting.name == "data") continue;
    if (setting.name == "shuffle") {
      command.flag("no-shuffle", options->no_shuffle, "Rows in the order of the file");
    } else if (setting.kind == train::Setting::Kind::kFlag) {
      command.flag(setting.name, options->flags[setting.name], setting.help);
    } else if (setting.kind == train::Setting::Kind::kList) {
      command.texts(setting.name, options->lists[setting.name], setting.placeholder, setting.help);
    } else {
      command.text(setting.name, options->values[setting.name], Value::kWord, setting.placeholder,
                   setting.help);
    }
  }
  command.flag("quiet", options->quiet, "No progress and no plan");
  command.example(
      "Example:\n  valence train tickets.csv --text-column text --label-column label --model default -o "
      "my-model");
}

}  // namespace valence::app
