// valence models: what is here (the embedded models, the hub's cache) and what is offered (the catalogue).

#include <algorithm>
#include <string>

#include "base/error.h"
#include "commands.h"
#include "formats/catalogue.h"
#include "formats/checkpoint.h"
#include "hub/hub.h"
#include "human.h"
#include "model_options.h"
#include "models/config.h"
#include "output.h"
#include "pipeline/bundled.h"
#include "report.h"

namespace valence::app {
namespace {

using formats::Json;

// One model, wherever it is known from.
struct Listed {
  std::string name;        // what --model takes
  std::string short_name;  // of the catalogue
  std::string state;       // "embedded", "cached", "incomplete", "offered"
  std::string revision, folder, licence, description;
  uint64_t bytes = 0;  // 0: unknown
  std::vector<std::string> labels;
  bool is_default = false;
};

Listed embedded(const pipeline::Bundled& bundled) {
  const formats::ModelFiles files = pipeline::source_of(bundled).files;
  Listed model;
  model.name = bundled.name;
  model.state = "embedded";
  model.licence = pipeline::kBundledLicence;
  model.description = bundled.description;
  model.bytes = formats::Checkpoint::open(files).file_bytes();
  model.labels = models::read_config(files).labels;
  model.is_default = model.name == kDefaultModel;
  return model;
}

Listed cached(const hub::CachedModel& found) {
  Listed model;
  model.name = found.name;
  // The branch that a plain name means needs no revision behind it.
  const auto& refs = found.refs;
  if (std::find(refs.begin(), refs.end(), "main") == refs.end()) model.name += "@" + found.revision;
  model.state = found.complete ? "cached" : "incomplete";
  model.revision = found.revision;
  model.folder = found.folder.string();
  model.licence = found.licence;
  model.bytes = found.bytes;
  model.labels = found.labels;
  if (const formats::CatalogueEntry* entry = formats::find_in_catalogue(found.name)) {
    model.short_name = entry->name;
    model.description = entry->description;
    if (model.licence.empty()) model.licence = entry->licence;
    if (!entry->labels.empty()) model.labels = entry->labels;
  }
  return model;
}

std::vector<Listed> list_models() {
  std::vector<Listed> models;
  for (const pipeline::Bundled& bundled : pipeline::bundled_models()) models.push_back(embedded(bundled));
  const std::vector<hub::CachedModel> in_cache = hub::list_cached(hub::HubOptions::from_environment());
  for (const hub::CachedModel& found : in_cache) models.push_back(cached(found));
  for (const formats::CatalogueEntry& entry : formats::catalogue()) {
    const bool here = std::any_of(in_cache.begin(), in_cache.end(), [&](const hub::CachedModel& found) {
      return found.name == entry.repository;
    });
    if (here || !entry.featured) continue;
    Listed& model = models.emplace_back();
    model.name = entry.repository;
    model.short_name = entry.name;
    model.state = "offered";
    model.licence = entry.licence;
    model.description = entry.description;
    model.labels = entry.labels;
  }
  return models;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : ", ").append(printable(word, 40));
  return out;
}

// A model takes a line, and one more for what is said about it.
std::string as_text(const std::vector<Listed>& models) {
  size_t width = 0;
  for (const Listed& model : models) width = std::max(width, model.name.size());
  std::string out;
  for (const Listed& model : models) {
    out += model.name + std::string(width - model.name.size() + 2, ' ') + model.state;
    if (model.bytes > 0) out += ", " + human_bytes(model.bytes);
    out += ", licence " + (model.licence.empty() ? "not stated" : printable(model.licence, 60));
    if (!model.short_name.empty()) out += ", --model " + model.short_name;
    if (model.is_default) out += ", the default";
    out += "\n";
    if (!model.description.empty()) out += "  " + model.description + "\n";
    if (!model.labels.empty()) out += "  labels: " + joined(model.labels) + "\n";
  }
  return out;
}

std::string as_json(const Listed& model) {
  Json::Array labels;
  for (const std::string& label : model.labels) labels.emplace_back(label);
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json(Json::Object{
                  member("name", model.name), member("short_name", text_or_null(model.short_name)),
                  member("state", model.state), member("bundled", model.state == "embedded"),
                  member("default", model.is_default),
                  member("bytes", model.bytes > 0 ? Json(static_cast<int64_t>(model.bytes)) : Json()),
                  member("labels", Json(std::move(labels))), member("licence", text_or_null(model.licence)),
                  member("revision", text_or_null(model.revision)),
                  member("folder", text_or_null(model.folder)),
                  member("description", text_or_null(model.description))})
             .dump() +
         "\n";
}

int list(bool json) {
  const std::vector<Listed> models = list_models();
  std::string out;
  if (json) {
    for (const Listed& model : models) out += as_json(model);
  } else {
    out = as_text(models);
  }
  print(out);
  return 0;
}

}  // namespace

void add_models(Program& program) {
  auto json = std::make_shared<bool>(false);
  Command& command = program.add("models", "List the models that are here and those that are offered",
                                 [json] { return list(*json); });
  command.flag("json", *json, "Print one JSON object a line");
}

}  // namespace valence::app
