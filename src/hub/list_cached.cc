#include <algorithm>
#include <fstream>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"
#include "hub/cache.h"
#include "hub/hub.h"
#include "hub/names.h"

namespace valence::hub {
namespace {

namespace fs = std::filesystem;

// models--org--name as org/name; nothing for other folders.
std::string repository_name(const std::string& folder) {
  constexpr std::string_view kPrefix = "models--";
  if (!folder.starts_with(kPrefix)) return "";
  std::string name = folder.substr(kPrefix.size());
  const size_t dashes = name.find("--");
  if (dashes != std::string::npos) return name.substr(0, dashes) + '/' + name.substr(dashes + 2);
  return name;
}

// What lies in a folder, or below it too; what cannot be read is left out.
template <typename Iterator>
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code code;
  for (Iterator it(folder, code), end; !code && it != end; it.increment(code)) entries.push_back(it->path());
  return entries;
}

std::vector<fs::path> children_of(const fs::path& folder) {
  return entries_of<fs::directory_iterator>(folder);
}

std::vector<fs::path> all_below(const fs::path& folder) {
  return entries_of<fs::recursive_directory_iterator>(folder);
}

// Commit to the branches and tags that mean it.
std::map<std::string, std::vector<std::string>> read_refs(const fs::path& folder) {
  std::map<std::string, std::vector<std::string>> refs;
  for (const fs::path& path : all_below(folder)) {
    std::string commit;
    std::ifstream(path) >> commit;
    if (is_commit(commit)) refs[commit].push_back(path.lexically_relative(folder).string());
  }
  return refs;
}

uint64_t total_bytes(const fs::path& folder) {
  uint64_t total = 0;
  for (const fs::path& path : all_below(folder)) {
    std::error_code code;
    const uint64_t size = fs::is_regular_file(path, code) ? fs::file_size(path, code) : 0;  // behind the link
    if (!code) total += size;
  }
  return total;
}

// The values of id2label in the order of their numbers; empty when it has another form.
std::vector<std::string> read_labels(const fs::path& config) {
  try {
    const formats::Json json = formats::Json::parse(map_file(config)->text(), config.string());
    const formats::Json* labels = json.get("id2label");
    if (!labels) return {};
    std::map<int64_t, std::string> by_id;
    for (const auto& [id, label] : labels->as_object("id2label"))
      by_id[std::stoll(id)] = label.as_string("label");
    std::vector<std::string> out;
    for (auto& [id, label] : by_id) out.push_back(std::move(label));
    return out;
  } catch (const std::exception&) {
    return {};
  }
}

// The value of "license:" in the front matter (between two lines of ---) of a model's card.
std::string read_licence(const fs::path& card) {
  constexpr std::string_view kKey = "license:";
  constexpr int kMaxLines = 500;
  std::ifstream file(card);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("---")) return "";
  for (int i = 0; i < kMaxLines && std::getline(file, line) && !line.starts_with("---"); ++i) {
    if (!line.starts_with(kKey)) continue;
    const size_t begin = line.find_first_not_of(" \t\"'[", kKey.size());
    if (begin == std::string::npos) return "";
    const size_t end = line.find_last_not_of(" \t\r\"']");
    return printable(std::string_view(line).substr(begin, end + 1 - begin), 60);
  }
  return "";
}

}  // namespace

std::vector<CachedModel> list_cached(const HubOptions& options) {
  std::vector<CachedModel> models;
  for (const fs::path& repository : children_of(options.cache)) {
    const std::string name = repository_name(repository.filename().string());
    if (name.empty()) continue;
    auto refs = read_refs(repository / "refs");
    for (const fs::path& snapshot : children_of(repository / "snapshots")) {
      const std::string commit = snapshot.filename().string();
      if (!is_commit(commit)) continue;
      models.push_back({name, commit, refs[commit], snapshot, total_bytes(snapshot),
                        is_complete_model(snapshot), read_labels(snapshot / "config.json"),
                        read_licence(snapshot / "README.md")});
    }
  }
  std::sort(models.begin(), models.end(), [](const CachedModel& a, const CachedModel& b) {
    return std::tie(a.name, a.revision) < std::tie(b.name, b.revision);
  });
  return models;
}

}  // namespace valence::hub
