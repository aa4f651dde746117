// From the name of a model to its folder, and what `valence models` finds in the cache.

#include "hub/cache.h"
#include "hub/fake_hub_for_test.h"

namespace valence::hub::testing {
namespace {

namespace fs = std::filesystem;
using valence::testing::expect_error;
using valence::testing::write_file;

class Resolve : public HubTest {
 protected:
  // A snapshot as huggingface_hub leaves it.
  fs::path cached(const std::string& folder, const std::string& commit, const std::vector<std::string>& files,
                  const std::string& ref = "main") {
    const fs::path at = options_.cache / folder / "snapshots" / commit;
    for (const std::string& name : files) {
      write_file(options_.cache / folder / "blobs" / name, "{}");
      fs::create_directories(at);
      fs::create_symlink("../../blobs/" + name, at / name);
    }
    if (!ref.empty()) write_file(options_.cache / folder / "refs" / ref, commit);
    return at;
  }
  static constexpr const char* kOther = "76543210fedcba9876543210fedcba9876543210";
};

TEST_F(Resolve, AFolderIsItself) {
  const Resolved got = resolve(folder_.path().string(), options_);
  EXPECT_EQ(got.files.folder(), folder_.path());
  EXPECT_EQ(got.name, folder_.path().string());
  EXPECT_EQ(got.revision, "");
}

TEST_F(Resolve, ASnapshotNamedByItsFolderKnowsItsCommit) {
  const fs::path at = cached("models--org--here", kOther, {"config.json", "model.safetensors"});
  EXPECT_EQ(resolve(at.string(), options_).revision, kOther);
  EXPECT_EQ(resolve(at.string() + "/", options_).revision, kOther);
}

TEST_F(Resolve, ANameIsPulledOnceAndThenFound) {
  const Resolved got = resolve("org/good", options_);
  EXPECT_EQ(got.files.folder(), snapshot("good"));
  EXPECT_EQ(got.revision, kCommit);
  const size_t before = hub_.requests().size();
  EXPECT_EQ(resolve("org/good", options_).files.folder(), snapshot("good"));
  EXPECT_EQ(hub_.requests().size(), before);
}

TEST_F(Resolve, OfflineTakesWhatIsThereByNameBranchAndCommit) {
  pull(parse_repository("org/good@v1.0"), options_);
  options_.offline = true;
  const size_t before = hub_.requests().size();
  EXPECT_EQ(resolve("org/good@v1.0", options_).files.folder(), snapshot("good"));
  EXPECT_EQ(resolve(std::string("org/good@") + kCommit, options_).files.folder(), snapshot("good"));
  expect_error(ErrorCode::kUnavailable, "org/good@main is not, or not completely, in",
               [&] { resolve("org/good", options_); });
  expect_error(ErrorCode::kUnavailable, "HF_HUB_OFFLINE is set", [&] { resolve("org/absent", options_); });
  EXPECT_EQ(hub_.requests().size(), before);
}

TEST_F(Resolve, ReadsACacheThatHuggingfaceHubWrote) {
  options_.offline = true;
  const fs::path at =
      cached("models--org--theirs", kOther, {"config.json", "pytorch_model.bin", "vocab.txt"});
  EXPECT_EQ(resolve("org/theirs", options_).files.folder(), at);
}

TEST_F(Resolve, AHalfDownloadedSnapshotIsNeverTaken) {
  options_.offline = true;
  const fs::path at = cached("models--org--half", kOther, {"config.json", "vocab.txt"});
  expect_error(ErrorCode::kUnavailable, "not completely", [&] { resolve("org/half", options_); });
  EXPECT_EQ(resolve("org/half", options_, Need::kTokenizer).files.folder(), at)
      << "a tokenizer needs no weights";
  fs::create_symlink("../../blobs/lost", at / "model.safetensors");
  expect_error(ErrorCode::kUnavailable, "not completely", [&] { resolve("org/half", options_); });
  fs::remove(at / "model.safetensors");
  write_file(at / "model.safetensors.index.json",
             R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})");
  write_file(at / "one.safetensors", "");
  expect_error(ErrorCode::kUnavailable, "not completely", [&] { resolve("org/half", options_); });
  write_file(at / "two.safetensors", "");
  EXPECT_EQ(resolve("org/half", options_).files.folder(), at);
}

TEST_F(Resolve, AnIncompleteSnapshotIsCompletedOnline) {
  cached("models--org--good", kCommit, {"vocab.txt"});
  EXPECT_TRUE(is_complete_model(resolve("org/good", options_).files.folder()));
}

TEST_F(Resolve, ATokenizerIsPulledWithoutWeightsWhichComeWhenTheyAreNeeded) {
  const Resolved tokenizer = resolve("org/good", options_, Need::kTokenizer);
  EXPECT_TRUE(fs::exists(tokenizer.files.folder() / "vocab.txt"));
  EXPECT_EQ(hub_.count({"safetensors"}), 0u);
  EXPECT_TRUE(is_complete_model(resolve("org/good", options_).files.folder()));
}

TEST_F(Resolve, TheOldestModelsAreFoundUnderBothNames) {
  options_.offline = true;
  const fs::path at =
      cached("models--google-bert--bert-base-uncased", kOther, {"config.json", "model.safetensors"});
  EXPECT_EQ(resolve("bert-base-uncased", options_).files.folder(), at);
  const fs::path old =
      cached("models--distilbert-base-uncased", kOther, {"config.json", "model.safetensors"});
  EXPECT_EQ(resolve("distilbert/distilbert-base-uncased", options_).files.folder(), old);
}

TEST_F(Resolve, ANameOfTheCatalogueMeansItsRepository) {
  options_.offline = true;
  const fs::path at = cached("models--cardiffnlp--twitter-roberta-base-sentiment-latest", kOther,
                             {"config.json", "model.safetensors"});
  EXPECT_EQ(resolve("twitter-roberta", options_).files.folder(), at);
  EXPECT_EQ(resolve(std::string("twitter-roberta@") + kOther, options_).files.folder(), at);
}

TEST_F(Resolve, SaysWhatANameThatMeansNothingMayBe) {
  write_file(folder_ / "weights.bin", "");
  expect_error(ErrorCode::kUnavailable, "is a file: expected a model's folder",
               [&] { resolve((folder_ / "weights.bin").string(), options_); });
  expect_error(ErrorCode::kUnavailable, "there is no such folder, and it is no name of the hub",
               [&] { resolve("./nowhere/at/all", options_); });
  expect_error(ErrorCode::kUnavailable, "nor is there a folder of this name",
               [&] { resolve("org/absent", options_); });
}

TEST_F(Resolve, ListsWhatIsInTheCache) {
  EXPECT_TRUE(list_cached(options_).empty());
  pull_from("good");
  cached("models--half", kOther, {"vocab.txt"}, "");
  write_file(options_.cache / "datasets--org--x/refs/main", kOther);
  write_file(options_.cache / "models--broken/snapshots/notacommit/config.json", "{}");
  const std::vector<CachedModel> models = list_cached(options_);
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "half");
  EXPECT_FALSE(models[0].complete);
  EXPECT_TRUE(models[0].labels.empty());
  EXPECT_EQ(models[1].name, "org/good");
  EXPECT_EQ(models[1].revision, kCommit);
  EXPECT_EQ(models[1].refs, std::vector<std::string>{"main"});
  EXPECT_TRUE(models[1].complete);
  EXPECT_EQ(models[1].labels, (std::vector<std::string>{"negative", "positive"}));
  EXPECT_EQ(models[1].licence, "apache-2.0");
  EXPECT_GT(models[1].bytes, 3'000'000u);
}

}  // namespace
}  // namespace valence::hub::testing
