#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "formats/safetensors_writer.h"
#include "formats/test_support.h"
#include "formats/torch_bin_for_test.h"

namespace valence::formats {
namespace {

using valence::testing::expect_error;
using valence::testing::read_file;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kShard1 = "model-00001-of-00002.safetensors";
constexpr const char* kShard2 = "model-00002-of-00002.safetensors";

TensorView floats(const std::string& name, std::span<const float> values) {
  return {name, DType::kF32, {static_cast<int64_t>(values.size())}, std::as_bytes(values)};
}

void write_tensors(const std::filesystem::path& path, const std::vector<std::string>& names) {
  static const float kValues[] = {1, 2, 3};
  std::vector<TensorView> tensors;
  for (const std::string& name : names) tensors.push_back(floats(name, kValues));
  write_safetensors(path, tensors);
}

class Shards : public ::testing::Test {
 protected:
  // Two good shards: tensors a and b, tensor c.
  void SetUp() override {
    write_tensors(folder_ / kShard1, {"a", "b"});
    write_tensors(folder_ / kShard2, {"c"});
  }
  Checkpoint open_with(const std::string& weight_map) {
    write_file(folder_ / kIndex, "{\"metadata\": {}, \"weight_map\": " + weight_map + "}");
    return Checkpoint::open(ModelFiles::from_folder(folder_.path()));
  }
  void refuses(const std::string& weight_map, const char* message) {
    expect_error(ErrorCode::kBadData, message, [&] { open_with(weight_map); });
  }
  static std::string map_to(const std::string& shard) { return "{\"a\":\"" + shard + "\"}"; }
  static std::string good_map() {
    return R"({"a":")" + std::string(kShard1) + R"(","b":")" + kShard1 + R"(","c":")" + kShard2 + "\"}";
  }
  TemporaryFolder folder_;
};

TEST(Checkpoint, OpensASingleFile) {
  TemporaryFolder folder;
  write_tensors(folder / "model.safetensors", {"x.weight", "x.bias"});
  const Checkpoint checkpoint = Checkpoint::open(ModelFiles::from_folder(folder.path()));
  EXPECT_EQ(checkpoint.tensors().size(), 2u);
  EXPECT_EQ(checkpoint.at("x.bias").shape, std::vector<int64_t>{3});
  EXPECT_EQ(checkpoint.find("y"), nullptr);
  const std::string bytes = read_file(folder / "model.safetensors");
  EXPECT_EQ(checkpoint.sha256(), sha256_hex(std::as_bytes(std::span(bytes))));
  EXPECT_EQ(checkpoint.file_bytes(), bytes.size());
  checkpoint.release();
  EXPECT_EQ(checkpoint.at("x.bias").bytes[3], std::byte{0x3f}) << "1.0f reads the same after release()";
  expect_error(ErrorCode::kBadData, (folder / "model.safetensors").string() + ": tensor y is missing",
               [&] { checkpoint.at("y"); });
}

TEST(Checkpoint, SaysThatAFolderHasNoWeights) {
  TemporaryFolder folder;
  const ModelFiles files = ModelFiles::from_folder(folder.path());
  expect_error(ErrorCode::kUnavailable, "has no weights", [&] { Checkpoint::open(files); });
  expect_error(ErrorCode::kUnavailable, "has no adapter weights", [&] { Checkpoint::open_adapter(files); });
}

TEST(Checkpoint, OpensAnAdapterByItsName) {
  TemporaryFolder folder;
  write_tensors(folder / "adapter_model.safetensors", {"lora_A.weight"});
  EXPECT_NE(Checkpoint::open_adapter(ModelFiles::from_folder(folder.path())).find("lora_A.weight"), nullptr);
}

TEST(Checkpoint, ReadsAModelCarriedInMemory) {
  TemporaryFolder folder;
  write_tensors(folder / "m", {"a"});
  const std::string bytes = read_file(folder / "m");
  const auto files =
      ModelFiles::from_memory("embedded", {{"model.safetensors", std::as_bytes(std::span(bytes))}});
  EXPECT_EQ(Checkpoint::open(files).at("a").elements(), 3);
}

TEST(Checkpoint, RefusesWeightsThatAreNoRegularFile) {
  TemporaryFolder folder;
  const auto open = [&] { Checkpoint::open(ModelFiles::from_folder(folder.path())); };
  const auto path = folder / "model.safetensors";
  std::filesystem::create_symlink("/dev/zero", path);
  expect_error(ErrorCode::kBadData, "is not a regular file", open);
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  expect_error(ErrorCode::kBadData, "is not a regular file", open);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("model.safetensors", path);
  expect_error(ErrorCode::kUnavailable, "has no weights", open);
}

TEST_F(Shards, AreReadAsOne) {
  const Checkpoint checkpoint = open_with(good_map());
  EXPECT_EQ(checkpoint.tensors().size(), 3u);
  std::string hashes;
  for (const char* shard : {kShard1, kShard2}) {
    const std::string bytes = read_file(folder_ / shard);
    hashes += sha256_hex(std::as_bytes(std::span(bytes)));
  }
  EXPECT_EQ(checkpoint.sha256(), sha256_hex(std::as_bytes(std::span(hashes))));
  EXPECT_EQ(checkpoint.describe(), (folder_ / kIndex).string());
}

TEST_F(Shards, PickledShardsAreReadAsOne) {
  using namespace valence::testing;
  TemporaryFolder folder;
  write_file(folder / "pytorch_model-1.bin", file_of(dict_of(rebuild({}), "a")));
  write_file(folder / "pytorch_model-2.bin", file_of(dict_of(rebuild({}), "b")));
  const auto open_map = [&](const std::string& map) {
    write_file(folder / "pytorch_model.bin.index.json", R"({"weight_map": )" + map + "}");
    return Checkpoint::open(ModelFiles::from_folder(folder.path()));
  };
  EXPECT_EQ(open_map(R"({"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"})").tensors().size(), 2u);
  expect_error(ErrorCode::kBadData, "tensor a should be in pytorch_model-2.bin, says the index",
               [&] { open_map(R"({"a": "pytorch_model-2.bin", "b": "pytorch_model-1.bin"})"); });
  expect_error(ErrorCode::kBadData, "pytorch_model-3.bin: the shard is missing",
               [&] { open_map(R"({"a": "pytorch_model-3.bin"})"); });
}

TEST_F(Shards, ATensorInTwoShardsIsRefused) {
  write_tensors(folder_ / kShard2, {"a", "c"});
  refuses(good_map(), "tensor a occurs twice");
}

TEST(Checkpoint, ATensorIsThereUnderTheNamesOfItsTwinsToo) {
  static const float kValues[] = {1, 2, 3};
  TemporaryFolder folder;
  const std::vector<TensorView> tensors = {floats("a", kValues)};
  write_safetensors(folder / "model.safetensors", tensors,
                    {{"format", "pt"}, {"twin", "a"}, {"a", "a"}, {"lost", "none"}});
  const Checkpoint checkpoint = Checkpoint::open(ModelFiles::from_folder(folder.path()));
  EXPECT_EQ(checkpoint.tensors().size(), 2u);
  EXPECT_EQ(checkpoint.at("twin").bytes.data(), checkpoint.at("a").bytes.data());
  EXPECT_EQ(checkpoint.at("twin").name, "twin");
}

TEST_F(Shards, ASingleFileIsPreferred) {
  write_tensors(folder_ / "model.safetensors", {"single"});
  EXPECT_NE(open_with(good_map()).find("single"), nullptr);
}

TEST_F(Shards, NameWithParentFolderIsRefused) {
  refuses(map_to("../outside.safetensors"), "is no plain file name");
}
TEST_F(Shards, AbsoluteNameIsRefused) { refuses(map_to("/etc/passwd"), "is no plain file name"); }
TEST_F(Shards, NameWithBackslashIsRefused) {
  refuses(map_to("..\\\\x.safetensors"), "is no plain file name");
}
TEST_F(Shards, NameWithNulIsRefused) { refuses(map_to("m.safetensors\\u0000.txt"), "is no plain file name"); }
TEST_F(Shards, EmptyNameIsRefused) { refuses(map_to(""), "is no plain file name"); }
TEST_F(Shards, TheFolderItselfIsRefused) { refuses(map_to("."), "is no plain file name"); }
TEST_F(Shards, OverlongNameIsRefused) { refuses(map_to(std::string(300, 'x')), "is no plain file name"); }
TEST_F(Shards, MissingShardIsNamed) {
  refuses(map_to("model-9.safetensors"), "model-9.safetensors: the shard is missing");
}
TEST_F(Shards, WeightMapThatIsAListIsRefused) { refuses("[\"a\"]", "weight_map: expected an object"); }
TEST_F(Shards, ShardThatIsANumberIsRefused) { refuses("{\"a\": 7}", "weight_map: a: expected a string"); }
TEST_F(Shards, TensorThatItsShardLacksIsNamed) {
  refuses(good_map().insert(1, R"("lost":")" + std::string(kShard2) + "\","), "tensor lost is missing");
}
TEST_F(Shards, TensorThatTheIndexLacksIsNamed) {
  refuses(map_to(kShard1), "model-00001-of-00002.safetensors: tensor b does not stand in the index");
}
TEST_F(Shards, TensorInTheWrongShardIsNamed) {
  std::string map = good_map();
  map.replace(map.find(kShard2), std::string_view(kShard2).size(), kShard1);
  map.insert(1, R"("x":")" + std::string(kShard2) + "\",");
  refuses(map, "tensor c should be in model-00001-of-00002.safetensors");
}
TEST_F(Shards, IndexNestedDeepIsRefused) { refuses(std::string(100'000, '['), "not valid JSON"); }
TEST_F(Shards, TruncatedShardNamesTensorAndSizes) {
  const std::string bytes = read_file(folder_ / kShard2);
  write_file(folder_ / kShard2, std::string_view(bytes).substr(0, bytes.size() - 4));
  refuses(good_map(), "tensor c: its bytes end at 12, but the file holds 8");
}

}  // namespace
}  // namespace valence::formats
