#include "hub/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "formats/json.h"
#include "hub/names.h"

namespace valence::hub {
namespace {

namespace fs = std::filesystem;

// "org/name" as a folder: models--org--name.
std::string folder_name(const std::string& repository) {
  std::string name = "models--" + repository;
  if (const size_t slash = name.find('/'); slash != std::string::npos) name.replace(slash, 1, "--");
  return name;
}

[[noreturn]] void fail(const std::string& what, const fs::path& path, const std::error_code& code) {
  throw Error(ErrorCode::kRuntime, "cannot " + what + " " + printable(path.string()) + ": " + code.message());
}

// Replaces what stands there, so that no moment is without a link.
void replace_link(const fs::path& target, const fs::path& link) {
  const fs::path temporary = link.string() + ".tmp";
  std::error_code code;
  fs::remove(temporary, code);
  fs::create_symlink(target, temporary, code);
  if (code) fail("link", link, code);
  fs::rename(temporary, link, code);
  if (code) fail("link", link, code);
}

bool present(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

// All shards that an index names lie beside it.
bool shards_are_there(const fs::path& index) {
  try {
    const formats::Json json = formats::Json::parse(map_file(index)->text(), index.string());
    const formats::Json* map = json.get("weight_map");
    if (!map) return false;
    for (const auto& [tensor, shard] : map->as_object("weight_map")) {
      if (!present(index.parent_path() / shard.as_string("weight_map"))) return false;
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

RepositoryCache::RepositoryCache(const fs::path& cache, const std::string& repository)
    : folder_(cache / folder_name(repository)), locks_(cache / ".locks" / folder_name(repository)) {}

std::optional<std::string> RepositoryCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  std::ifstream file(folder_ / "refs" / revision);
  std::string commit;
  file >> commit;
  if (!is_commit(commit)) return std::nullopt;
  return commit;
}

void RepositoryCache::publish(const Repository& repository, const std::string& commit,
                              const std::map<std::string, std::string>& files,
                              const std::vector<std::string>& absent) const {
  const FileLock one_at_a_time(lock("snapshots"));  // the temporary names below are fixed
  const fs::path target = snapshot(commit);
  if (!present(target)) {
    const fs::path temporary = folder_ / (".snapshot-" + commit);
    std::error_code code;
    fs::remove_all(temporary, code);  // of a process that was killed
    make_folders(target.parent_path());
    add_links(temporary, files);
    fs::rename(temporary, target, code);
    if (code) fs::remove_all(temporary, code);  // huggingface_hub was faster: its links are added to
  }
  add_links(target, files);
  for (const std::string& name : absent) {
    const fs::path marker = folder_ / ".no_exist" / commit / name;
    make_folders(marker.parent_path());
    std::ofstream(marker).flush();
  }
  if (repository.revision != commit) write_ref(repository.revision, commit);
}

// Through a file elsewhere: what lies among the references is taken for one.
void RepositoryCache::write_ref(const std::string& revision, const std::string& commit) const {
  const fs::path ref = folder_ / "refs" / revision, temporary = folder_ / ".ref";
  make_folders(ref.parent_path());
  AtomicFile file(temporary);
  file.write(commit);
  file.commit();
  std::error_code code;
  fs::rename(temporary, ref, code);
  if (code) fail("write", ref, code);
  sync_folder_of(ref);
}

void RepositoryCache::add_links(const fs::path& target,
                                const std::map<std::string, std::string>& files) const {
  make_folders(target);
  // Weights come last: where a snapshot had none, they make it complete.
  for (const bool weights : {false, true}) {
    for (const auto& [name, etag] : files) {
      if ((name.ends_with(".safetensors") || name.ends_with(".bin")) != weights) continue;
      const fs::path blob = fs::path("../../blobs") / etag;
      std::error_code code;
      if (fs::read_symlink(target / name, code) != blob) replace_link(blob, target / name);
    }
  }
  sync_folder_of(target / "x");
}

bool is_complete_model(const fs::path& folder) {
  if (present(folder / "adapter_config.json")) {
    return present(folder / "adapter_model.safetensors") || present(folder / "adapter_model.bin");
  }
  if (!present(folder / "config.json")) return false;
  for (const char* weights : {"model.safetensors", "pytorch_model.bin"}) {
    if (present(folder / weights)) return true;
    const fs::path index = folder / (std::string(weights) + ".index.json");
    if (present(index)) return shards_are_there(index);
  }
  return false;
}

bool has_tokenizer(const fs::path& folder) {
  const char* const names[] = {"tokenizer.json", "vocab.txt",    "vocab.json",      "sentencepiece.bpe.model",
                               "spm.model",      "spiece.model", "tokenizer.model", "source.spm"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](const char* name) { return present(folder / name); });
}

FileLock::FileLock(const fs::path& path) {
  make_folders(path.parent_path());
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("open", path, {errno, std::generic_category()});
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    // Some network file systems have no locks. Two downloads of one blob then spoil each other's bytes, which
    // the hash tells.
    if (why == ENOLCK || why == EOPNOTSUPP || why == ENOSYS) return;
    if ((why != EWOULDBLOCK && why != EINTR) || interrupted()) {
      ::close(fd_);
      check_interrupt();
      fail("lock", path, {why, std::generic_category()});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

FileLock::~FileLock() { ::close(fd_); }

void make_folders(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) fail("make", folder, code);
}

}  // namespace valence::hub
