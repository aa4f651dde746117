// The layout of the cache, as huggingface_hub published it:
//
//   <cache>/models--org--name/blobs/<etag>                     contents, named by git SHA-1 or SHA-256
//   <cache>/models--org--name/blobs/<etag>.incomplete          a download that was cut
//   <cache>/models--org--name/snapshots/<commit>/config.json   -> ../../blobs/<etag>
//   <cache>/models--org--name/refs/main                        the commit that a branch or tag means
//   <cache>/models--org--name/.no_exist/<commit>/<file>        files that the repository does not have
//   <cache>/.locks/models--org--name/<etag>.lock               flock(2) while a blob is being downloaded
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub.h"

namespace valence::hub {

class RepositoryCache {
 public:
  RepositoryCache(const std::filesystem::path& cache, const std::string& repository);

  std::filesystem::path folder() const { return folder_; }
  std::filesystem::path blob(const std::string& etag) const { return folder_ / "blobs" / etag; }
  std::filesystem::path incomplete(const std::string& etag) const {
    return folder_ / "blobs" / (etag + ".incomplete");
  }
  std::filesystem::path lock(const std::string& etag) const { return locks_ / (etag + ".lock"); }
  std::filesystem::path snapshot(const std::string& commit) const { return folder_ / "snapshots" / commit; }

  // The commit that a revision means here; nothing when it was never asked for.
  std::optional<std::string> commit_of(const std::string& revision) const;

  // Lets the snapshot appear: its links at once, then the reference. `files` maps names to blobs' names.
  void publish(const Repository& repository, const std::string& commit,
               const std::map<std::string, std::string>& files, const std::vector<std::string>& absent) const;

 private:
  void add_links(const std::filesystem::path& target, const std::map<std::string, std::string>& files) const;
  void write_ref(const std::string& revision, const std::string& commit) const;

  std::filesystem::path folder_, locks_;
};

// Whether the folder holds configuration and weights, every shard of them.
bool is_complete_model(const std::filesystem::path& folder);
bool has_tokenizer(const std::filesystem::path& folder);

// An exclusive flock(2) on a file that is made when absent, where the file system has locks. Waits for
// another process, which may be huggingface_hub. Errors: kRuntime when the file cannot be made; kInterrupted.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int fd_;
};

// Errors: kRuntime with the path and the system's reason.
void make_folders(const std::filesystem::path& folder);

}  // namespace valence::hub
