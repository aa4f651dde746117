#include "hub/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/sha256.h"
#include "hub/names.h"

namespace valence::hub {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 5;
// A server that wants to be left alone for longer is not waited for.
constexpr std::chrono::seconds kLongestPause{60};
// So much progress makes a cut transfer count as a new start, so that a bad line ends at last.
constexpr uint64_t kProgress = 1 << 20;

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || text.empty())
    return std::nullopt;
  return value;
}

// W/"abc" and "abc" both mean abc.
std::string unquoted(std::string etag) {
  if (etag.starts_with("W/")) etag = etag.substr(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return etag;
}

// Waits before the next attempt, or gives up: throws `failure` after the last attempt. Errors: kInterrupted.
void pause_after(int failures, const TransientError& failure, const HubOptions& options) {
  if (failures >= kAttempts || failure.retry_after() > kLongestPause) throw failure;
  auto left = std::max<std::chrono::milliseconds>(options.retry_delay * (1 << std::min(failures - 1, 6)),
                                                  failure.retry_after());
  while (left.count() > 0) {
    check_interrupt();
    const auto step = std::min(left, std::chrono::milliseconds(100));
    std::this_thread::sleep_for(step);
    left -= step;
  }
}

class BlobDownload {
 public:
  BlobDownload(HttpClient& client, const HubOptions& options, const RemoteFile& file,
               const RepositoryCache& cache, const BytesCallback& on_bytes)
      : client_(client),
        options_(options),
        file_(file),
        blob_(cache.blob(file.etag)),
        incomplete_(cache.incomplete(file.etag)),
        on_bytes_(on_bytes) {}
  ~BlobDownload() {
    if (fd_ >= 0) ::close(fd_);
  }
  BlobDownload(const BlobDownload&) = delete;
  BlobDownload& operator=(const BlobDownload&) = delete;

  void run() {
    open();
    const bool resumed = have_ > 0;
    check_space();
    transfer();
    std::string hash = content_hash();
    if (hash != file_.etag && resumed) {  // what lay there was of another file
      start_over();
      transfer();
      hash = content_hash();
    }
    if (hash != file_.etag) {
      ::unlink(incomplete_.c_str());
      throw Error(ErrorCode::kRuntime, shown() + " is not what the hub promised: its hash is " + hash +
                                           ", expected " + file_.etag);
    }
    complete();
  }

 private:
  const std::string& shown() const { return file_.shown; }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kRuntime,
                "cannot " + what + " " + printable(incomplete_.string()) + ": " + std::strerror(errno));
  }

  void open() {
    make_folders(incomplete_.parent_path());
    fd_ = ::open(incomplete_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    struct stat info{};
    if (fd_ < 0 || ::fstat(fd_, &info) != 0) fail("write");
    have_ = static_cast<uint64_t>(info.st_size);
    if (have_ > file_.size) start_over();
  }

  void start_over() {
    if (::ftruncate(fd_, 0) != 0) fail("shorten");
    have_ = 0;
  }

  void check_space() const {
    std::error_code code;
    const fs::space_info space = fs::space(incomplete_.parent_path(), code);
    if (!code && space.available < file_.size - have_) {
      throw Error(ErrorCode::kRuntime, shown() + " needs " + std::to_string((file_.size - have_) >> 20) +
                                           " MB, but " + std::to_string(space.available >> 20) +
                                           " MB are free for the cache");
    }
  }

  // Gets what is missing, through cut connections.
  void transfer() {
    int failures = 0;
    while (have_ < file_.size) {
      const uint64_t before = have_;
      try {
        request_rest();
      } catch (const TransientError& failure) {
        failures = have_ >= before + kProgress ? 1 : failures + 1;
        pause_after(failures, failure, options_);
      }
    }
  }

  void request_rest() {
    bool begun = false;
    const auto sink = [&](const HttpResponse& response, std::string_view part) {
      if (!begun) check_begin(response);
      begun = true;
      append(part);
    };
    const HttpResponse response = client_.perform({.url = file_.url, .range_begin = have_}, sink);
    if (response.status == 416) {
      start_over();
      throw TransientError(shown() + ": the server has no bytes where ours end");
    }
    if (response.status != 200 && response.status != 206) throw_status(response, shown(), options_);
    if (have_ < file_.size) {
      throw TransientError(shown() + ": the transfer ended after " + std::to_string(have_) + " of " +
                           std::to_string(file_.size) + " bytes");
    }
  }

  // 206 must go on where our bytes end; 200 is the whole file again.
  void check_begin(const HttpResponse& response) {
    if (response.status == 200) {
      start_over();
      return;
    }
    const std::string expected = "bytes " + std::to_string(have_) + "-";
    if (!response.header("content-range").starts_with(expected)) {
      throw Error(ErrorCode::kRuntime, shown() + ": the server sends \"" +
                                           printable(response.header("content-range")) +
                                           "\", asked for was " + expected);
    }
  }

  void append(std::string_view part) {
    if (part.size() > file_.size - have_) {
      ::unlink(incomplete_.c_str());
      throw Error(ErrorCode::kRuntime, shown() + ": the server sends more than the " +
                                           std::to_string(file_.size) + " bytes that it announced");
    }
    if (::lseek(fd_, static_cast<off_t>(have_), SEEK_SET) < 0) fail("write");
    write_all(fd_, part, incomplete_.string());
    have_ += part.size();
    on_bytes_(have_);
  }

  // As the etag was computed: SHA-256 of the content, or git's SHA-1 of "blob <size>\0" and the content.
  std::string content_hash() const {
    const bool git = file_.etag.size() == 40;
    Hasher hasher(git ? Hasher::Kind::kSha1 : Hasher::Kind::kSha256);
    if (git) hasher.update("blob " + std::to_string(have_) + std::string(1, '\0'));
    std::vector<char> buffer(1 << 20);
    for (uint64_t at = 0; at < have_;) {
      check_interrupt();
      const ssize_t size = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at));
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) fail("read");
      hasher.update({buffer.data(), static_cast<size_t>(size)});
      at += static_cast<uint64_t>(size);
    }
    return hasher.hex();
  }

  void complete() const {
    if (::fsync(fd_) != 0) fail("complete");
    if (::rename(incomplete_.c_str(), blob_.c_str()) != 0) fail("rename");
    sync_folder_of(blob_);
  }

  HttpClient& client_;
  const HubOptions& options_;
  const RemoteFile& file_;
  const fs::path blob_, incomplete_;
  const BytesCallback& on_bytes_;
  int fd_ = -1;
  uint64_t have_ = 0;
};

bool is_there(const fs::path& blob, uint64_t size) {
  std::error_code code;
  return fs::is_regular_file(blob, code) && fs::file_size(blob, code) == size && !code;
}

}  // namespace

RemoteFile describe_file(HttpClient& client, const HubOptions& options, const ListedFile& listed) {
  RemoteFile file;
  file.name = listed.name;
  file.shown = printable(listed.repository + "/" + listed.name);
  file.url = options.endpoint + "/" + url_escape(listed.repository, true) + "/resolve/" + listed.commit +
             "/" + url_escape(listed.name, true);
  HttpResponse response;
  with_retries(options, [&] {
    response =
        client.perform({.url = file.url, .head = true, .stop_at_store = true}, [](const auto&, auto) {});
  });
  const bool linked = !response.header("x-linked-etag").empty();
  if (response.status != 200 && !linked) throw_status(response, file.shown, options);
  const auto lies = [&](const std::string& what) { throw Error(ErrorCode::kRuntime, file.shown + what); };
  const std::string commit = response.header("x-repo-commit");
  if (!commit.empty() && commit != listed.commit) {
    lies(" comes from commit " + printable(commit, 80) + ", asked for was " + listed.commit);
  }
  file.etag = unquoted(response.header(linked ? "x-linked-etag" : "etag"));
  if (!is_blob_name(file.etag)) lies(": the server gives \"" + printable(file.etag, 80) + "\" for its hash");
  const std::string size = response.header(linked ? "x-linked-size" : "content-length");
  const auto number = parse_number(size);
  if (!number) lies(": the server gives \"" + printable(size, 40) + "\" for its size");
  file.size = *number;
  return file;
}

void download_blob(HttpClient& client, const HubOptions& options, const RemoteFile& file,
                   const RepositoryCache& cache, const BytesCallback& on_bytes) {
  if (is_there(cache.blob(file.etag), file.size)) return;
  const FileLock lock(cache.lock(file.etag));
  if (is_there(cache.blob(file.etag), file.size)) return;  // another process was faster
  BlobDownload(client, options, file, cache, on_bytes).run();
}

void throw_status(const HttpResponse& response, const std::string& what, const HubOptions& options) {
  const std::string code = response.header("x-error-code");  // the hub's own, where it gives one
  const bool has_token = !options.token.empty();
  std::string why;
  if (code == "GatedRepo" || (code.empty() && response.status == 403)) {
    why = has_token ? "the token gives no access to it: accept the model's terms on the hub"
                    : "access is restricted: accept the model's terms on the hub, then set HF_TOKEN";
  } else if (code == "RevisionNotFound") {
    why = "the hub has no such revision";
  } else if (code == "EntryNotFound") {
    why = "the hub has no such file";
  } else if (response.status == 404 || response.status == 401) {  // 401: the hub does not say which
    why = has_token ? "the hub has no such model, or the token gives no access to it"
                    : "the hub has no such model, or it is private and HF_TOKEN is not set";
  } else {
    why = "the hub answers with status " + std::to_string(response.status);
  }
  throw Error(ErrorCode::kUnavailable, what + ": " + why);
}

void with_retries(const HubOptions& options, const std::function<void()>& action) {
  for (int failures = 1;; ++failures) {
    try {
      action();
      return;
    } catch (const TransientError& failure) {
      pause_after(failures, failure, options);
    }
  }
}

}  // namespace valence::hub
