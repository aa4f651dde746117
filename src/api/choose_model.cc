#include "api/choose_model.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include "base/error.h"
#include "models/adapter.h"
#include "pipeline/bundled.h"

namespace valence::api {
namespace {

using backend::WeightType;
using pipeline::LongText;
using pipeline::ModelSource;
using pipeline::Social;
using pipeline::TaskSource;

constexpr const char* kOwnTask = "sentiment";

ModelSource find_adapter(const std::string& name, Download download) {
  ModelSource adapter = find_model(name, download);
  if (!models::is_adapter(adapter.files)) {
    throw Error(ErrorCode::kBadConfig,
                printable(adapter.files.name()) + " is no PEFT adapter: there is no adapter_config.json");
  }
  return adapter;
}

ModelSource find_base(const ModelSource& adapter, Download download) {
  const std::string name = models::adapter_base(adapter.files);
  ModelSource base = find_model(name, download);
  if (models::is_adapter(base.files)) {
    throw Error(ErrorCode::kBadConfig, adapter.files.describe("adapter_config.json") +
                                           ": base_model_name_or_path " + printable(name) +
                                           " is an adapter itself");
  }
  return base;
}

std::string bundled_tasks() {
  std::string out;
  for (const pipeline::Bundled& adapter : pipeline::bundled_adapters()) out.append(", ").append(adapter.name);
  return out;
}

TaskSource find_task(const std::string& name, Download download) {
  if (name == kOwnTask) return {name, std::nullopt};
  if (std::optional<ModelSource> bundled = pipeline::find_bundled_adapter(name))
    return {name, std::move(bundled)};
  const bool plain = name.find('/') == name.npos && !std::filesystem::exists(name);
  if (plain) {
    throw Error(ErrorCode::kUsage, "tasks: " + printable(name.empty() ? "''" : name) +
                                       " is unknown, expected " + kOwnTask + bundled_tasks() +
                                       ", or the folder or name of an adapter");
  }
  ModelSource adapter = find_adapter(name, download);
  const std::filesystem::path path(name.back() == '/' ? name.substr(0, name.size() - 1) : name);
  return {path.filename().string(), std::move(adapter)};
}

// The value that `word` stands for in `known`. Errors: kUsage naming every known word.
template <typename T>
T parse_word(const char* what, const std::string& word,
             std::initializer_list<std::pair<const char*, T>> known) {
  std::string expected;
  for (const auto& [name, value] : known) {
    if (word == name) return value;
    expected += (expected.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::kUsage,
              std::string(what) + " " + printable(word) + " is unknown, expected one of " + expected);
}

}  // namespace

ModelSource find_model(const std::string& name, Download download, hub::Need need) {
  if (std::optional<ModelSource> bundled = pipeline::find_bundled_model(name)) return std::move(*bundled);
  if (std::optional<ModelSource> bundled = pipeline::find_bundled_adapter(name)) return std::move(*bundled);
  hub::HubOptions options = hub::HubOptions::from_environment();
  if (download == Download::kNever) options.offline = true;
  hub::Resolved found = hub::resolve(name, options, need);
  return {std::move(found.files), std::move(found.name), std::move(found.revision)};
}

ChosenModel choose_model(const std::optional<std::string>& model, const std::optional<std::string>& adapter,
                         Download download) {
  if (!model && !adapter) return {pipeline::default_model(), {}};
  std::optional<ModelSource> update;
  if (adapter) update = find_adapter(*adapter, download);
  if (model) {
    ModelSource named = find_model(*model, download);
    if (!models::is_adapter(named.files)) return {std::move(named), std::move(update)};
    if (update) {
      throw Error(ErrorCode::kUsage, "the model " + printable(*model) +
                                         " is an adapter, and so is the adapter " + printable(*adapter) +
                                         ": expected one");
    }
    update = std::move(named);
  }
  return {find_base(*update, download), std::move(update)};
}

std::vector<TaskSource> choose_tasks(const std::string& names, Download download) {
  std::vector<TaskSource> tasks;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    TaskSource task = find_task(name, download);
    const bool twice = std::ranges::any_of(tasks, [&](const TaskSource& t) { return t.name == task.name; });
    if (twice) throw Error(ErrorCode::kUsage, "tasks: " + printable(task.name) + " stands twice");
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::optional<WeightType> parse_dtype(const std::string& dtype) {
  return parse_word<std::optional<WeightType>>("dtype", dtype,
                                               {{"auto", std::nullopt},
                                                {"fp32", WeightType::kFp32},
                                                {"bf16", WeightType::kBf16},
                                                {"int8", WeightType::kInt8},
                                                {"nf4", WeightType::kNf4}});
}

pipeline::Device parse_device(const std::string& device) {
  using pipeline::Device;
  return parse_word<Device>("device", device,
                            {{"auto", Device::kAuto}, {"cpu", Device::kCpu}, {"cuda", Device::kCuda}});
}

Social parse_social(const std::string& social) {
  return parse_word<Social>("social", social,
                            {{"auto", Social::kAuto}, {"on", Social::kOn}, {"off", Social::kOff}});
}

LongText parse_long_text(const std::string& long_text) {
  return parse_word<LongText>(
      "long_text", long_text,
      {{"windows", LongText::kWindows}, {"truncate", LongText::kTruncate}, {"error", LongText::kError}});
}

}  // namespace valence::api
