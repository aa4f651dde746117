// Models by name: the hub's download, the cache that huggingface_hub shares with us, and what is in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model_files.h"

namespace valence::hub {

struct HubOptions {
  std::string endpoint = "https://huggingface.co";  // no slash at the end
  std::filesystem::path cache;                      // holds models--org--name
  std::string token;                                // empty: none
  bool offline = false;

  // A transfer that stays below 1 KB/s for this long is given up and tried again.
  std::chrono::seconds stall_limit{30};
  std::chrono::milliseconds retry_delay{500};  // doubles with each attempt that fails

  // HF_ENDPOINT, HF_HUB_CACHE (else HF_HOME, else XDG_CACHE_HOME, else ~/.cache), HF_TOKEN (else the file
  // HF_TOKEN_PATH, else HF_HOME/token), HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE. Errors: kBadConfig.
  static HubOptions from_environment();
};

// "org/name", or "name" alone for the models older than organisations.
struct Repository {
  std::string name;
  std::string revision = "main";  // a branch, a tag or a commit of 40 hexadecimal digits
};

// Reads "org/name[@revision]"; the name may be one of the catalogue. Errors: kUsage for anything that could
// leave the cache: "..", an empty part, a leading "/", "\", other characters than letters, digits and "-_.",
// more than 96 of them.
Repository parse_repository(std::string_view text);

struct Progress {
  std::string file;    // the one that is being transferred
  uint64_t done = 0;   // bytes of all files that are there
  uint64_t total = 0;  // bytes of all files
  int file_index = 0;  // from 0
  int files = 0;
};
using ProgressCallback = std::function<void(const Progress&)>;

struct Snapshot {
  std::filesystem::path folder;
  std::string commit;
};

enum class Need { kModel, kTokenizer };  // what must be there; a tokenizer needs no weights

// Brings the files that a model needs into the cache: configuration, tokenizer, README and licence, and the
// weights as safetensors or, without these, as .bin. Resumes what was interrupted, checks each file's hash
// before it gets its name, and makes the snapshot appear only when it is complete. Two processes may pull the
// same model at once.
// Errors: kUnavailable when it cannot be had (offline, unknown, gated, no answer); kRuntime when the answer
// is not what was asked for (another hash, another commit, names that leave the cache); kInterrupted.
Snapshot pull(const Repository& repository, const HubOptions& options, const ProgressCallback& progress = {},
              Need need = Need::kModel);

struct Resolved {
  formats::ModelFiles files;
  std::string name;      // as the user wrote it
  std::string revision;  // the commit; empty for a folder outside of the cache
};

// Finds a model: a folder on disk; a name of the catalogue; org/name[@revision] in the cache, or, unless
// offline, pulled. A model in the cache is taken as it is: only pull() asks whether the hub has a newer one.
// Errors: kUnavailable; those of pull().
Resolved resolve(const std::string& name, const HubOptions& options, Need need = Need::kModel,
                 const ProgressCallback& progress = {});
// With the options of the environment.
Resolved resolve(const std::string& name, Need need = Need::kModel, const ProgressCallback& progress = {});

struct CachedModel {
  std::string name;               // org/name
  std::string revision;           // the commit
  std::vector<std::string> refs;  // branches and tags that mean this commit
  std::filesystem::path folder;
  uint64_t bytes = 0;               // of all files
  bool complete = false;            // configuration and weights are there
  std::vector<std::string> labels;  // of config.json; empty when it has none
  std::string licence;              // of README.md; empty when it says none
};

// Every snapshot in the cache, by name. What cannot be read is left out.
std::vector<CachedModel> list_cached(const HubOptions& options);

}  // namespace valence::hub
