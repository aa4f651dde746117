#include <optional>
#include <system_error>

#include "base/error.h"
#include "hub/cache.h"
#include "hub/hub.h"
#include "hub/names.h"

namespace valence::hub {
namespace {

namespace fs = std::filesystem;

// A snapshot given by its folder still knows its commit.
std::string commit_of_folder(const fs::path& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  const fs::path last = path.has_filename() ? path : path.parent_path();
  const std::string name = last.filename().string();
  return last.parent_path().filename() == "snapshots" && is_commit(name) ? name : "";
}

// The hub moved the oldest models, which had no organisation, to these; adapters still name both forms.
std::optional<std::string> other_name(const std::string& name) {
  struct Home {
    std::string_view prefix, organisation;
  };
  constexpr Home kHomes[] = {{"distilbert-", "distilbert"},
                             {"bert-", "google-bert"},
                             {"roberta-", "FacebookAI"},
                             {"xlm-roberta-", "FacebookAI"}};
  const size_t slash = name.find('/');
  for (const Home& home : kHomes) {
    const std::string_view model = std::string_view(name).substr(slash == name.npos ? 0 : slash + 1);
    if (!model.starts_with(home.prefix)) continue;
    if (slash == name.npos) return std::string(home.organisation) + "/" + name;
    if (name.substr(0, slash) == home.organisation) return std::string(model);
  }
  return std::nullopt;
}

bool satisfies(const fs::path& folder, Need need) {
  return need == Need::kTokenizer ? has_tokenizer(folder) : is_complete_model(folder);
}

std::optional<Snapshot> find_cached(const Repository& repository, const HubOptions& options, Need need) {
  const RepositoryCache cache(options.cache, repository.name);
  const auto commit = cache.commit_of(repository.revision);
  if (!commit || !satisfies(cache.snapshot(*commit), need)) return std::nullopt;
  return Snapshot{cache.snapshot(*commit), *commit};
}

Snapshot find_or_pull(const Repository& repository, const HubOptions& options, Need need,
                      const ProgressCallback& progress) {
  if (const auto found = find_cached(repository, options, need)) return *found;
  if (const auto name = other_name(repository.name)) {
    if (const auto found = find_cached({*name, repository.revision}, options, need)) return *found;
  }
  if (!options.offline) return pull(repository, options, progress, need);
  throw Error(ErrorCode::kUnavailable, repository.name + "@" + repository.revision +
                                           " is not, or not completely, in " +
                                           printable(options.cache.string()) + ", and HF_HUB_OFFLINE is set");
}

Repository repository_of(const std::string& name) {
  try {
    return parse_repository(name);
  } catch (const Error&) {
    throw Error(ErrorCode::kUnavailable, "no model \"" + printable(name) +
                                             "\": there is no such folder, and it is no name of the hub "
                                             "(org/name[@revision]) or of the catalogue (valence models)");
  }
}

}  // namespace

Resolved resolve(const std::string& name, const HubOptions& options, Need need,
                 const ProgressCallback& progress) {
  std::error_code code;
  if (fs::is_directory(name, code))
    return {formats::ModelFiles::from_folder(name), name, commit_of_folder(name)};
  if (fs::exists(name, code)) {
    throw Error(ErrorCode::kUnavailable,
                printable(name) + " is a file: expected a model's folder, or a name of the hub");
  }
  const Repository repository = repository_of(name);
  try {
    const Snapshot snapshot = find_or_pull(repository, options, need, progress);
    return {formats::ModelFiles::from_folder(snapshot.folder), name, snapshot.commit};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    throw Error(ErrorCode::kUnavailable, std::string(error.what()) + "; nor is there a folder of this name");
  }
}

Resolved resolve(const std::string& name, Need need, const ProgressCallback& progress) {
  std::error_code code;
  if (fs::exists(name, code)) return resolve(name, HubOptions{}, need);
  return resolve(name, HubOptions::from_environment(), need, progress);
}

}  // namespace valence::hub
