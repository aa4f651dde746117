#include "formats/convert.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "formats/checkpoint.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"
#include "formats/torch_bin_for_test.h"

namespace valence::formats {
namespace {

using valence::testing::expect_error;
using valence::testing::read_file;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

const std::filesystem::path kData = std::filesystem::path(__FILE__).parent_path() / "testdata";

using Content = std::map<std::string, std::tuple<DType, std::vector<int64_t>, std::string>>;

Content content(const Checkpoint& checkpoint) {
  Content out;
  for (const auto& [name, t] : checkpoint.tensors()) {
    out[name] = {t.dtype, t.shape, {reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()}};
  }
  return out;
}

class Convert : public ::testing::Test {
 protected:
  void SetUp() override {
    write_file(folder_ / "in/config.json", "{}");
    write_file(folder_ / "in/vocab.txt", "[PAD]\n");
    write_file(folder_ / "in/pytorch_model.bin", read_file(kData / "torch.bin"));
    write_file(folder_ / "in/model.onnx", "another form of the same weights");
    write_file(folder_ / "in/optimizer.pt", "the state of a training run");
    write_file(folder_ / "in/1_Pooling/config.json", "{}");
  }
  ModelFiles in() const { return ModelFiles::from_folder(folder_ / "in"); }
  std::vector<std::string> names(const char* folder) const {
    return ModelFiles::from_folder(folder_ / folder).names();
  }
  TemporaryFolder folder_;
};

TEST_F(Convert, KeepsEachTensorAndTheOtherFiles) {
  convert(in(), folder_ / "out");
  EXPECT_EQ(names("out"), (std::vector<std::string>{"config.json", "model.safetensors", "vocab.txt"}));
  const Content expected = content(Checkpoint::open(in()));
  EXPECT_EQ(expected.size(), 18u);
  EXPECT_EQ(content(Checkpoint::open(ModelFiles::from_folder(folder_ / "out"))), expected);
  EXPECT_EQ(read_file(folder_ / "out/vocab.txt"), "[PAD]\n");
}

TEST_F(Convert, ReadsItsOwnOutputAndWritesTheSameBytes) {
  convert(in(), folder_ / "out");
  convert(ModelFiles::from_folder(folder_ / "out"), folder_ / "again");
  EXPECT_EQ(read_file(folder_ / "again/model.safetensors"), read_file(folder_ / "out/model.safetensors"));
}

TEST_F(Convert, TakesAnAdapter) {
  write_file(folder_ / "lora/adapter_config.json", "{}");
  write_file(folder_ / "lora/adapter_model.bin", read_file(kData / "torch.bin"));
  convert(ModelFiles::from_folder(folder_ / "lora"), folder_ / "out");
  EXPECT_EQ(names("out"), (std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors"}));
}

TEST_F(Convert, JoinsShards) {
  using namespace valence::testing;
  write_file(folder_ / "shards/pytorch_model-1.bin",
             file_of(dict_of(rebuild({}), "a"), std::string(24, 'a')));
  write_file(folder_ / "shards/pytorch_model-2.bin",
             file_of(dict_of(rebuild({}), "b"), std::string(24, 'b')));
  write_file(folder_ / "shards/pytorch_model.bin.index.json",
             R"({"weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}})");
  convert(ModelFiles::from_folder(folder_ / "shards"), folder_ / "out");
  EXPECT_EQ(names("out"), std::vector<std::string>{"model.safetensors"});
  const Content got = content(Checkpoint::open(ModelFiles::from_folder(folder_ / "out")));
  EXPECT_EQ(std::get<2>(got.at("a")), std::string(24, 'a'));
  EXPECT_EQ(std::get<2>(got.at("b")), std::string(24, 'b'));
}

TEST_F(Convert, WritesTensorsThatAreOneOnce) {
  using namespace valence::testing;
  const std::string both = dict_of(rebuild({}) + text("a.twin") + rebuild({}), "b");
  write_file(folder_ / "tied/pytorch_model.bin", file_of(both));
  convert(ModelFiles::from_folder(folder_ / "tied"), folder_ / "out");
  const std::string file = read_file(folder_ / "out/model.safetensors");
  const Safetensors written = read_safetensors(std::as_bytes(std::span(file)), "out");
  ASSERT_EQ(written.tensors.size(), 1u);
  EXPECT_EQ(written.tensors[0].name, "a.twin") << "the first by name, as in the reference implementation";
  EXPECT_EQ(written.metadata, (std::map<std::string, std::string>{{"b", "a.twin"}, {"format", "pt"}}));
  EXPECT_EQ(content(Checkpoint::open(ModelFiles::from_folder(folder_ / "out"))),
            content(Checkpoint::open(ModelFiles::from_folder(folder_ / "tied"))));
}

TEST_F(Convert, FillsAnEmptyFolderNamedWithASlash) {
  std::filesystem::create_directory(folder_ / "out");
  convert(in(), folder_.path().string() + "/out/");
  EXPECT_EQ(names("out").size(), 3u);
}

TEST_F(Convert, SaysThatTheFolderAboveIsMissing) {
  expect_error(ErrorCode::kRuntime, "not/here/out", [&] { convert(in(), folder_ / "not/here/out"); });
}

TEST_F(Convert, LeavesAFolderThatIsTakenAsItWas) {
  write_file(folder_ / "out/mine", "mine");
  expect_error(ErrorCode::kUsage, "out", [&] { convert(in(), folder_ / "out"); });
  EXPECT_EQ(names("out"), std::vector<std::string>{"mine"});
}

TEST_F(Convert, LeavesNothingOfABrokenCheckpoint) {
  const std::string weights = read_file(kData / "torch.bin");
  write_file(folder_ / "in/pytorch_model.bin", weights.substr(0, weights.size() / 2));
  expect_error(ErrorCode::kBadData, "pytorch_model.bin", [&] { convert(in(), folder_ / "out"); });
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

}  // namespace
}  // namespace valence::formats
