#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "formats/json.h"
#include "hub/cache.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/hub.h"
#include "hub/names.h"

namespace valence::hub {
namespace {

constexpr size_t kMaxListing = 32 << 20;      // bytes of the listing
constexpr size_t kMaxFiles = 20'000;          // files in a repository
constexpr uint64_t kMaxTextFile = 256 << 20;  // bytes of a file that is no weights

// What a model needs beside its weights.
constexpr const char* kTextFiles[] = {"config.json",
                                      "adapter_config.json",
                                      "generation_config.json",
                                      "tokenizer_config.json",
                                      "tokenizer.json",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "vocab.txt",
                                      "vocab.json",
                                      "merges.txt",
                                      "sentencepiece.bpe.model",
                                      "spiece.model",
                                      "spm.model",
                                      "tokenizer.model",
                                      "source.spm",
                                      "target.spm"};
constexpr const char* kPapers[] = {"README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"};

struct Listing {
  std::string commit;
  std::set<std::string> files;
};

class Puller {
 public:
  Puller(const Repository& repository, const HubOptions& options, const ProgressCallback& progress, Need need)
      : repository_(repository),
        options_(options),
        report_(progress),
        need_(need),
        client_(options),
        cache_(options.cache, repository.name) {}

  Snapshot run() {
    listing_ = read_listing();
    std::vector<RemoteFile> files;
    for (const char* name : kTextFiles) add_if_listed(name, files);
    for (const char* name : kPapers) add_if_listed(name, files);
    if (need_ == Need::kModel) {
      for (const std::string& name : choose_weights()) files.push_back(describe(name));
    }
    download(files);
    publish(files);
    return {cache_.snapshot(listing_.commit), listing_.commit};
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kRuntime, repository_.name + ": " + what);
  }

  // {"sha": "<commit>", "siblings": [{"rfilename": "config.json"}, …]}
  Listing read_listing() {
    const std::string text = get_listing();
    try {
      const formats::Json json = formats::Json::parse(text, "the listing");
      Listing listing;
      const formats::Json* sha = json.get("sha");
      const formats::Json* siblings = json.get("siblings");
      if (!sha || !siblings) refuse("the hub's listing has no commit or no files");
      listing.commit = sha->as_string("sha");
      for (const formats::Json& sibling : siblings->as_array("siblings")) {
        const formats::Json* name = sibling.get("rfilename");
        if (!name) refuse("a file of the hub's listing has no name");
        listing.files.insert(name->as_string("rfilename"));
      }
      check_listing(listing);
      return listing;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kBadData) throw;
      refuse("the hub's answer is no listing of files (is a login page in between?): " +
             std::string(error.what()));
    }
  }

  std::string get_listing() {
    const std::string url = options_.endpoint + "/api/models/" + url_escape(repository_.name, true) +
                            "/revision/" + url_escape(repository_.revision, false);
    std::string text;
    HttpResponse response;
    with_retries(options_, [&] {
      text.clear();
      response = client_.perform({.url = url}, [&](const HttpResponse&, std::string_view part) {
        if (part.size() > kMaxListing - text.size()) refuse("the hub's listing has more than 32 MB");
        text += part;
      });
    });
    if (response.status != 200) throw_status(response, described(), options_);
    return text;
  }

  std::string described() const { return repository_.name + "@" + repository_.revision; }

  void check_listing(const Listing& listing) const {
    if (!is_commit(listing.commit))
      refuse("the hub gives \"" + printable(listing.commit, 80) + "\" for a commit");
    if (is_commit(repository_.revision) && listing.commit != repository_.revision) {
      refuse("asked for commit " + repository_.revision + ", the hub gives " + listing.commit);
    }
    if (listing.files.size() > kMaxFiles) {
      refuse("the repository lists " + std::to_string(listing.files.size()) + " files, at most " +
             std::to_string(kMaxFiles) + " are taken for a model");
    }
    for (const std::string& name : listing.files) {
      if (!is_safe_path(name))
        refuse("the repository lists the file \"" + printable(name) + "\", which leads out of it");
    }
  }

  bool listed(const std::string& name) const { return listing_.files.contains(name); }

  RemoteFile describe(const std::string& name) {
    return describe_file(client_, options_, {repository_.name, listing_.commit, name});
  }

  void add_if_listed(const std::string& name, std::vector<RemoteFile>& files) {
    if (!listed(name)) return;
    files.push_back(describe(name));
    if (files.back().size > kMaxTextFile) {
      refuse(name + " has " + std::to_string(files.back().size >> 20) + " MB, at most 256 MB are taken");
    }
  }

  // The names of the weight files: safetensors before .bin, an index with all of its shards.
  std::vector<std::string> choose_weights() {
    const bool adapter = listed("adapter_config.json");
    if (!adapter && !listed("config.json")) refuse("the repository holds no model: it has no config.json");
    const std::string stem = adapter ? "adapter_model" : "";
    for (const char* full : {"model.safetensors", "pytorch_model.bin"}) {
      const std::string name = adapter ? stem + std::string(full).substr(std::string(full).rfind('.')) : full;
      if (listed(name)) return {name};
      if (!adapter && listed(name + ".index.json")) return choose_shards(name + ".index.json");
    }
    throw Error(ErrorCode::kUnavailable, repository_.name + " has no weights as safetensors or .bin");
  }

  std::vector<std::string> choose_shards(const std::string& index_name) {
    const RemoteFile index = describe(index_name);
    if (index.size > kMaxTextFile) refuse(index_name + " has more than 256 MB");
    download_blob(client_, options_, index, cache_, [](uint64_t) {});
    const formats::Json json = formats::Json::parse(map_file(cache_.blob(index.etag))->text(), index_name);
    const formats::Json* map = json.get("weight_map");
    if (!map) refuse(index_name + " has no weight_map");
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : map->as_object(index_name)) shards.insert(shard.as_string(index_name));
    std::vector<std::string> names = {index_name};
    for (const std::string& shard : shards) {
      const bool beside = is_safe_path(shard) && shard.find('/') == std::string::npos;
      if (!beside || !listed(shard))
        refuse(index_name + " names \"" + printable(shard) + "\", which is not in the repository");
      names.push_back(shard);
    }
    return names;
  }

  void download(const std::vector<RemoteFile>& files) {
    Progress progress;
    for (const RemoteFile& file : files) progress.total += file.size;
    progress.files = static_cast<int>(files.size());
    uint64_t before = 0;
    for (const RemoteFile& file : files) {
      progress.file = file.name;
      const auto report = [&](uint64_t bytes) {
        progress.done = before + bytes;
        if (report_) report_(progress);
      };
      download_blob(client_, options_, file, cache_, report);
      before += file.size;
      report(0);
      ++progress.file_index;
    }
  }

  void publish(const std::vector<RemoteFile>& files) {
    std::map<std::string, std::string> blobs;
    for (const RemoteFile& file : files) blobs[file.name] = file.etag;
    std::vector<std::string> absent;
    for (const char* name : kTextFiles) {
      if (!listed(name)) absent.push_back(name);
    }
    cache_.publish(repository_, listing_.commit, blobs, absent);
  }

  const Repository& repository_;
  const HubOptions& options_;
  const ProgressCallback& report_;
  const Need need_;
  HttpClient client_;
  RepositoryCache cache_;
  Listing listing_;
};

}  // namespace

Snapshot pull(const Repository& repository, const HubOptions& options, const ProgressCallback& progress,
              Need need) {
  if (options.offline) {
    throw Error(ErrorCode::kUnavailable, "cannot pull " + repository.name + ": HF_HUB_OFFLINE is set");
  }
  return Puller(repository, options, progress, need).run();
}

}  // namespace valence::hub
