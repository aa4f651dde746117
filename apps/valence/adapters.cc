// valence adapters: the adapters that the program carries, and those in the hub's cache.

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "commands.h"
#include "formats/checkpoint.h"
#include "hub/hub.h"
#include "human.h"
#include "models/adapter.h"
#include "models/config.h"
#include "output.h"
#include "pipeline/bundled.h"
#include "report.h"

namespace valence::app {
namespace {

using formats::Json;

struct Listed {
  std::string name;  // what --tasks and --adapter take
  std::string base, folder;
  std::vector<std::string> labels;  // empty: those of the base
  uint64_t bytes = 0;
};

Listed described(const std::string& name, const formats::ModelFiles& files) {
  Listed adapter;
  adapter.name = name;
  adapter.base = models::adapter_base(files);
  adapter.bytes = formats::Checkpoint::open_adapter(files).file_bytes();
  if (files.has("config.json")) adapter.labels = models::read_config(files).labels;
  return adapter;
}

std::vector<Listed> list_adapters() {
  std::vector<Listed> adapters;
  for (const pipeline::Bundled& bundled : pipeline::bundled_adapters())
    adapters.push_back(described(std::string(bundled.name), pipeline::source_of(bundled).files));
  for (const hub::CachedModel& found : hub::list_cached(hub::HubOptions::from_environment())) {
    if (!found.complete || !std::filesystem::exists(found.folder / "adapter_config.json")) continue;
    try {
      adapters.push_back(described(found.name, formats::ModelFiles::from_folder(found.folder)));
      adapters.back().folder = found.folder.string();
    } catch (const Error& error) {  // the others are listed all the same
      std::fprintf(stderr, "valence: %s\n", error.what());
    }
  }
  return adapters;
}

std::string as_text(const std::vector<Listed>& adapters) {
  std::string out;
  for (const Listed& adapter : adapters) {
    out += printable(adapter.name) + "  " + human_bytes(adapter.bytes) +
           (adapter.folder.empty() ? ", embedded" : "") + ", on " + printable(adapter.base) + "\n";
    std::string labels;
    for (const std::string& label : adapter.labels)
      labels += (labels.empty() ? "" : ", ") + printable(label, 40);
    if (!labels.empty()) out += "  labels: " + labels + "\n";
  }
  return out;
}

std::string as_json(const Listed& adapter) {
  Json::Array labels;
  for (const std::string& label : adapter.labels) labels.emplace_back(label);
  return Json(Json::Object{member("name", adapter.name), member("base", adapter.base),
                           member("bundled", adapter.folder.empty()),
                           member("bytes", static_cast<int64_t>(adapter.bytes)),
                           member("labels", Json(std::move(labels))),
                           member("folder", adapter.folder.empty() ? Json() : Json(adapter.folder))})
             .dump() +
         "\n";
}

int list(bool json) {
  const std::vector<Listed> adapters = list_adapters();
  std::string out;
  if (json) {
    for (const Listed& adapter : adapters) out += as_json(adapter);
  } else {
    out = as_text(adapters);
  }
  print(out);
  return 0;
}

}  // namespace

void add_adapters(Program& program) {
  auto json = std::make_shared<bool>(false);
  Command& command = program.add("adapters", "List the adapters that --tasks and --adapter take",
                                 [json] { return list(*json); });
  command.flag("json", *json, "Print one JSON object a line");
}

}  // namespace valence::app
