// One file of a repository: what the hub says about it, and its way into the cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/cache.h"
#include "hub/http.h"
#include "hub/hub.h"

namespace valence::hub {

// A file of a repository at a commit, as the listing names it.
struct ListedFile {
  std::string repository, commit, name;
};

struct RemoteFile {
  std::string name;
  std::string shown;  // with its repository, for messages
  std::string url;
  std::string etag;  // the hash of its content: git SHA-1 or SHA-256 in hex
  uint64_t size = 0;
};

// Asks for hash and size (HEAD). Errors: kUnavailable, kRuntime when the answer is no hash, no size or of
// another commit.
RemoteFile describe_file(HttpClient& client, const HubOptions& options, const ListedFile& listed);

// Called with the bytes of the file that are there.
using BytesCallback = std::function<void(uint64_t bytes)>;

// Brings the file to cache.blob(file.etag), unless it is there: resumes <etag>.incomplete, tries again after
// cut transfers, checks size and hash, renames. Errors: kUnavailable, kRuntime, kInterrupted.
void download_blob(HttpClient& client, const HubOptions& options, const RemoteFile& file,
                   const RepositoryCache& cache, const BytesCallback& on_bytes);

// Throws kUnavailable for an answer that is no success, in words for users. `what` names the thing asked for.
[[noreturn]] void throw_status(const HttpResponse& response, const std::string& what,
                               const HubOptions& options);

// Calls `action` until it succeeds, up to 5 times while it throws TransientError, with growing pauses.
void with_retries(const HubOptions& options, const std::function<void()>& action);

}  // namespace valence::hub
