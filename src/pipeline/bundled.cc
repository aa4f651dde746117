#include "pipeline/bundled.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace {

struct File {
  const char* path;  // under models/; null behind the last one
  const std::byte* begin;
  const std::byte* end;
};

}  // namespace

// Of bundled_files.S.
extern "C" const File valence_bundled_files[];

namespace valence::pipeline {
namespace {

constexpr std::array<Bundled, 2> kModels = {{
    {"default", "carried inside the program: English, negative, neutral, positive", "default"},
    {"multilingual", "carried inside the program: many languages, negative, neutral, positive",
     "multilingual"},
}};
constexpr std::array<Bundled, 5> kAdapters = {{
    {"emotion", "Ekman's six emotions and neutral, several a text", "adapters/emotion"},
    {"irony", "ironic or not", "adapters/irony"},
    {"offensive", "offensive or not", "adapters/offensive"},
    {"sentiment-2", "negative, positive", "adapters/sentiment-2"},
    {"sentiment-5", "from very negative to very positive", "adapters/sentiment-5"},
}};

std::optional<ModelSource> find_in(std::span<const Bundled> all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Bundled::name);
  return found == all.end() ? std::nullopt : std::optional(source_of(*found));
}

}  // namespace

std::span<const Bundled> bundled_models() { return kModels; }
std::span<const Bundled> bundled_adapters() { return kAdapters; }

ModelSource source_of(const Bundled& bundled) {
  std::vector<formats::ModelFiles::Embedded> files;
  const std::string folder = std::string(bundled.folder) + "/";
  for (const File* file = valence_bundled_files; file->path != nullptr; ++file) {
    const std::string_view path = file->path;
    if (path.starts_with(folder))
      files.push_back({std::string(path.substr(folder.size())), {file->begin, file->end}});
  }
  const std::string name(bundled.name);
  return {formats::ModelFiles::from_memory(name, std::move(files)), name, ""};
}

std::optional<ModelSource> find_bundled_model(std::string_view name) { return find_in(kModels, name); }
std::optional<ModelSource> find_bundled_adapter(std::string_view name) { return find_in(kAdapters, name); }

ModelSource default_model() { return source_of(kModels.front()); }

std::string_view bundled_routes() {
  const File* file = valence_bundled_files;
  while (file->path != nullptr && std::string_view(file->path) != "routes.json") ++file;
  VALENCE_CHECK(file->path != nullptr);
  return {reinterpret_cast<const char*>(file->begin), static_cast<size_t>(file->end - file->begin)};
}

}  // namespace valence::pipeline
