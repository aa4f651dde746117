// What `pull` promises of a hub that behaves, and of a machine that does not.

#include <sys/resource.h>

#include <thread>

#include "base/sha256.h"
#include "hub/cache.h"
#include "hub/fake_hub_for_test.h"

namespace valence::hub::testing {
namespace {

namespace fs = std::filesystem;
using valence::testing::expect_error;
using valence::testing::read_file;
using valence::testing::write_file;

constexpr const char* kWeights = "model.safetensors";

class Pull : public HubTest {
 protected:
  // The weights of org/stalls, once their first 1000 bytes are there; no other file is as large.
  fs::path incomplete() const {
    for (const std::string& name : names_in(repository("stalls") / "blobs")) {
      std::error_code code;
      const fs::path path = repository("stalls") / "blobs" / name;
      if (path.extension() == ".incomplete" && fs::file_size(path, code) == 1000) return path;
    }
    return {};
  }
  // Another process that pulls.
  pid_t start_pull(const std::string& name) const {
    const pid_t child = ::fork();
    if (child != 0) return child;
    try {
      pull_from(name);
      ::_exit(0);
    } catch (const Error& error) {
      ::_exit(exit_status(error.code()));
    }
  }
  static int wait_for(pid_t child) {
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
  }
};

TEST_F(Pull, WritesTheLayoutOfHuggingfaceHub) {
  const Snapshot got = pull_from("good");
  EXPECT_EQ(got.folder, snapshot("good"));
  EXPECT_EQ(got.commit, kCommit);
  EXPECT_EQ(names_in(got.folder),
            (std::vector<std::string>{"README.md", "config.json", kWeights, "vocab.txt"}));
  EXPECT_EQ(read_file(repository("good") / "refs/main"), kCommit);
  for (const std::string& name : names_in(got.folder)) {
    const std::string content = read_file(got.folder / name);
    std::string blob = sha256_hex(std::as_bytes(std::span(content)));
    if (name != kWeights) {
      Hasher git(Hasher::Kind::kSha1);
      git.update("blob " + std::to_string(content.size()) + std::string(1, '\0') + content);
      blob = git.hex();
    }
    EXPECT_EQ(fs::read_symlink(got.folder / name), "../../blobs/" + blob) << name;
    EXPECT_TRUE(fs::exists(options_.cache / ".locks/models--org--good" / (blob + ".lock"))) << name;
  }
  EXPECT_TRUE(fs::exists(repository("good") / ".no_exist" / kCommit / "tokenizer.json"));
  EXPECT_EQ(names_in(repository("good")),
            (std::vector<std::string>{".no_exist", "blobs", "refs", "snapshots"}))
      << "nothing temporary is left";
  EXPECT_EQ(names_in(repository("good") / "refs"), std::vector<std::string>{"main"});
}

TEST_F(Pull, TakesOnlyWhatAModelNeeds) {
  const Snapshot got = pull_from("both");
  for (const char* unwanted : {"pytorch_model.bin", "flax_model.msgpack", "onnx", "training_args.bin"}) {
    EXPECT_FALSE(fs::exists(got.folder / unwanted)) << unwanted;
    EXPECT_EQ(hub_.count({unwanted}), 0u) << unwanted << " was not even asked for";
  }
}

TEST_F(Pull, TakesPickledWeightsWhenThereAreNoOthers) {
  EXPECT_TRUE(fs::exists(pull_from("bin").folder / "pytorch_model.bin"));
}

TEST_F(Pull, TakesEveryShardAndItsIndex) {
  const Snapshot got = pull_from("sharded");
  for (const char* name : {"model.safetensors.index.json", "model-00001-of-00002.safetensors",
                           "model-00002-of-00002.safetensors"}) {
    EXPECT_TRUE(fs::exists(got.folder / name)) << name;
  }
  EXPECT_TRUE(is_complete_model(got.folder));
}

TEST_F(Pull, TakesAnAdapter) {
  const Snapshot got = pull_from("adapter");
  EXPECT_EQ(names_in(got.folder),
            (std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors"}));
}

TEST_F(Pull, TheSecondPullTransfersNothing) {
  pull_from("good");
  const size_t before = hub_.count({"GET store"});
  pull_from("good");
  EXPECT_EQ(hub_.count({"GET store"}), before);
}

TEST_F(Pull, ReportsEveryByteOnce) {
  Progress last;
  uint64_t before = 0;
  pull_from("good", [&](const Progress& progress) {
    EXPECT_GE(progress.done, before);
    EXPECT_LE(progress.done, progress.total);
    before = progress.done;
    last = progress;
  });
  EXPECT_EQ(last.done, last.total);
  EXPECT_GT(last.total, 3'000'000u);
  EXPECT_EQ(last.files, 4);
  EXPECT_EQ(last.file_index, 3);
}

TEST_F(Pull, ABranchATagAndAPullRequestBecomeReferences) {
  for (const char* revision : {"v1.0", "refs/pr/1"}) {
    pull(parse_repository(std::string("org/good@") + revision), options_);
    EXPECT_EQ(read_file(repository("good") / "refs" / revision), kCommit);
  }
  EXPECT_FALSE(fs::exists(repository("good") / "refs/main"));
}

TEST_F(Pull, ACommitIsNoReference) {
  EXPECT_EQ(pull(parse_repository(std::string("org/good@") + kCommit), options_).commit, kCommit);
  EXPECT_FALSE(fs::exists(repository("good") / "refs"));
}

TEST_F(Pull, FollowsARenamedRepositoryAndTheHubsOwnCaches) {
  for (const char* name : {"renamed", "moved", "linked"}) {
    EXPECT_TRUE(is_complete_model(pull_from(name).folder)) << name;
  }
}

TEST_F(Pull, TheTokenGoesToTheHubOnly) {
  options_.token = "hf_good";
  pull_from("gated");
  EXPECT_GT(hub_.count({" hub ", " token"}), 0u);
  EXPECT_GT(hub_.count({" store "}), 0u);
  EXPECT_EQ(hub_.count({" store ", " token"}), 0u);
}

TEST_F(Pull, GoesOnWhereTheLineWasCut) {
  pull_from("once");
  EXPECT_EQ(hub_.count({"GET store", "bytes="}), 1u);
  EXPECT_EQ(read_file(snapshot("once") / kWeights), read_file(pull_from("good").folder / kWeights));
}

TEST_F(Pull, StartsAgainWhenTheServerKnowsNoRanges) {
  pull_from("norange");
  EXPECT_EQ(hub_.count({"GET store", "bytes="}), 1u);
  EXPECT_TRUE(is_complete_model(snapshot("norange")));
}

TEST_F(Pull, GivesAStalledTransferUpAndTriesAgain) {
  pull_from("stalls");
  EXPECT_EQ(hub_.count({"GET store", "bytes=1000-"}), 1u);
}

TEST_F(Pull, TriesAgainWhenTheServerFails) { EXPECT_TRUE(is_complete_model(pull_from("flaky").folder)); }

TEST_F(Pull, WaitsAsLongAsABusyServerAsks) {
  pull_from("busy");
  EXPECT_EQ(hub_.count({"/api/models/org/busy"}), 3u);
  EXPECT_EQ(hub_.count({"HAMMERED"}), 0u);
}

TEST_F(Pull, DoesNotWaitForAServerThatAsksForAnHour) {
  expect_error(ErrorCode::kUnavailable, "status 429", [&] { pull_from("busyfor1h"); });
  EXPECT_EQ(hub_.count({"busyfor1h"}), 1u);
}

TEST_F(Pull, GoesOnAfterTheProcessWasKilled) {
  options_.stall_limit = std::chrono::hours(1);
  const pid_t child = start_pull("stalls");
  while (incomplete().empty() && ::waitpid(child, nullptr, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(child, SIGKILL);
  wait_for(child);
  ASSERT_EQ(incomplete().extension(), ".incomplete");
  EXPECT_FALSE(fs::exists(snapshot("stalls"))) << "a half-downloaded snapshot is not to be seen";
  pull_from("stalls");
  EXPECT_EQ(hub_.count({"GET store", "bytes=1000-"}), 1u);
  EXPECT_TRUE(is_complete_model(snapshot("stalls")));
  EXPECT_TRUE(incomplete().empty());
}

TEST_F(Pull, WhatAnotherFileLeftBehindIsReplaced) {
  const std::string blob = fs::read_symlink(pull_from("good").folder / kWeights).filename();
  write_file(repository("norange") / "blobs" / (blob + ".incomplete"), std::string(5000, 'x'));
  write_file(repository("moved") / "blobs" / (blob + ".incomplete"), std::string(5'000'000, 'x'));
  const std::string want = read_file(snapshot("good") / kWeights);
  for (const char* name : {"norange", "moved"}) EXPECT_EQ(read_file(pull_from(name).folder / kWeights), want);
}

TEST_F(Pull, TwoProcessesAtOnceTransferEachFileOnce) {
  const pid_t first = start_pull("good"), second = start_pull("good");
  EXPECT_EQ(wait_for(first), 0);
  EXPECT_EQ(wait_for(second), 0);
  EXPECT_EQ(hub_.count({"GET store", kWeights}), 1u);
  EXPECT_TRUE(is_complete_model(snapshot("good")));
}

TEST_F(Pull, AFullDiskIsSaidAndWhatCameIsKept) {
  expect_error(ErrorCode::kRuntime, "MB are free for the cache", [&] { pull_from("hugesize"); });
  const auto limited = [&] {  // no file may grow beyond 1 MB
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return start_pull("good");
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(WEXITSTATUS(wait_for(limited())));
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), exit_status(ErrorCode::kRuntime));
  EXPECT_FALSE(fs::exists(snapshot("good")));
  pull_from("good");
  EXPECT_EQ(hub_.count({"GET store", "bytes="}), 1u) << "what was written before counts";
}

TEST_F(Pull, ACacheThatCannotBeWrittenIsNamed) {
  write_file(folder_ / "file", "");
  options_.cache = folder_ / "file";
  expect_error(ErrorCode::kRuntime, (folder_ / "file").string(), [&] { pull_from("good"); });
}

TEST_F(Pull, OfflineAsksNobody) {
  options_.offline = true;
  expect_error(ErrorCode::kUnavailable, "HF_HUB_OFFLINE is set", [&] { pull_from("good"); });
  EXPECT_TRUE(hub_.requests().empty());
}

TEST_F(Pull, AHubThatIsNotThereIsSaidAtOnce) {
  options_.endpoint = "http://127.0.0.1:1";
  options_.retry_delay = std::chrono::hours(1);  // no second attempt
  expect_error(ErrorCode::kUnavailable, "HF_HUB_OFFLINE=1 uses what is in the cache",
               [&] { pull_from("good"); });
}

}  // namespace
}  // namespace valence::hub::testing
