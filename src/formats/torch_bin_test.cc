#include "formats/torch_bin.h"

#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "formats/safetensors.h"
#include "formats/test_support.h"
#include "formats/torch_bin_for_test.h"
#include "formats/zip_for_test.h"

namespace valence::formats {
namespace {

using valence::testing::dict_of;
using valence::testing::expect_error;
using valence::testing::file_of;
using valence::testing::little_endian;
using valence::testing::make_zip;
using valence::testing::number;
using valence::testing::numbers;
using valence::testing::read_file;
using valence::testing::rebuild;
using valence::testing::Tensor;
using valence::testing::text;

TorchBin read(const std::string& file) {
  return read_torch_bin(std::as_bytes(std::span(file)), "pytorch_model.bin");
}

std::filesystem::path data_file(const char* name) {
  return std::filesystem::path(__FILE__).parent_path() / "testdata" / name;
}

// --- Files of PyTorch itself ----------------------------------------------------------------------------

using Content = std::map<std::string, std::tuple<DType, std::vector<int64_t>, std::string>>;

Content content(const std::vector<TensorView>& tensors) {
  Content out;
  for (const TensorView& t : tensors) {
    out[t.name] = {t.dtype, t.shape, {reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()}};
  }
  return out;
}

class TorchFile : public ::testing::TestWithParam<const char*> {};

TEST_P(TorchFile, HoldsTheVeryTensorsThatWereSaved) {
  const std::string file = read_file(data_file(GetParam()));
  const std::string expected = read_file(data_file("expected.safetensors"));
  const TorchBin got = read(file);
  const auto want = read_safetensors(std::as_bytes(std::span(expected)), "expected").tensors;
  ASSERT_EQ(want.size(), 18u);
  EXPECT_EQ(content(got.tensors), content(want));
  EXPECT_EQ(got.copies.size(), 2u) << "only transposed and strided are copied";
}

TEST_P(TorchFile, CutAnywhereIsRefused) {
  const std::string file = read_file(data_file(GetParam()));
  for (size_t size = 0; size < file.size(); size += 7)
    EXPECT_THROW(read(file.substr(0, size)), Error) << size;
}

TEST_P(TorchFile, WithAnyByteChangedIsReadOrRefused) {
  const std::string file = read_file(data_file(GetParam()));
  for (size_t at = 0; at < file.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      try {
        for (const TensorView& t : read(changed).tensors) {
          ASSERT_EQ(checked_byte_size(t.dtype, t.shape), t.bytes.size());
        }
      } catch (const Error& error) {
        ASSERT_EQ(error.code(), ErrorCode::kBadData) << error.what();
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Torch, TorchFile, ::testing::Values("torch.bin", "torch_legacy.bin"),
                         [](const auto& test) { return test.index == 0 ? "Zip" : "Legacy"; });

// --- Pickles by hand ------------------------------------------------------------------------------------

// Runs `evil` first, drops its result and goes on with a good state dict.
std::string before(const std::string& evil) {
  return file_of("\x80\x02" + evil + "0" + dict_of(rebuild({})).substr(2));
}

std::string call(const std::string& module, const std::string& name,
                 const std::string& argument = "touch flag") {
  return "c" + module + "\n" + name + "\n(" + text(argument) + "tR";
}

TEST(TorchBin, ReadsAPickleWrittenByHand) {
  const std::string file = file_of(dict_of(rebuild({})));
  const TorchBin bin = read(file);
  ASSERT_EQ(bin.tensors.size(), 1u);
  EXPECT_EQ(bin.tensors[0].name, "w");
  EXPECT_EQ(bin.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(bin.tensors[0].bytes.size(), 24u);
}

TEST(TorchBin, ReadsAnArchiveWithoutAFolder) {
  const std::string file = make_zip({{"data.pkl", dict_of(rebuild({}))}, {"data/0", std::string(24, 's')}});
  EXPECT_EQ(read(file).tensors.size(), 1u);
}

TEST(TorchBin, RefusesBigEndianNumbers) {
  const std::string file = make_zip(
      {{"a/data.pkl", dict_of(rebuild({}))}, {"a/byteorder", "big"}, {"a/data/0", std::string(24, 's')}});
  expect_error(ErrorCode::kBadData, "not little-endian", [&] { read(file); });
}

struct Attack {
  const char* name;
  std::string file;
  const char* message;
};
void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

class PickleAttack : public ::testing::TestWithParam<Attack> {};

TEST_P(PickleAttack, IsRefusedByName) {
  expect_error(ErrorCode::kBadData, GetParam().message, [] { read(GetParam().file); });
}

std::vector<Attack> calls() {
  return {
      {"OsSystem", before(call("os", "system")), "the pickle names os.system, which weights do not need"},
      {"PosixSystem", before(call("posix", "system")), "the pickle names posix.system"},
      {"SubprocessGetoutput", before(call("subprocess", "getoutput")),
       "the pickle names subprocess.getoutput"},
      {"BuiltinsEval", before(call("builtins", "eval")), "the pickle names builtins.eval"},
      {"Python2Exec", before(call("__builtin__", "exec")), "the pickle names __builtin__.exec"},
      {"BuiltinsGetattr", before(call("builtins", "getattr")), "the pickle names builtins.getattr"},
      {"Runpy", before(call("runpy", "_run_code")), "the pickle names runpy._run_code"},
      {"TorchHubLoad", before(call("torch.hub", "load")), "the pickle names torch.hub.load"},
      {"TorchLoad", before(call("torch", "load")), "the pickle names torch.load"},
      {"DottedName", before(call("torch", "os.system")), "the pickle names torch.os.system"},
      {"NameWithABlank", before(call("torch._utils _rebuild_tensor_v2", "")), "the pickle names"},
      {"NumpyScalar", before(call("numpy.core.multiarray", "scalar")),
       "the pickle names numpy.core.multiarray.scalar"},
      {"GlobalNeverCalled", before("cos\nsystem\n"), "the pickle names os.system"},
      {"NameWithoutEnd", before("c" + std::string(1000, 'o')), "a Python name has no end"},
      {"Inst", before("(" + text("touch flag") + "ios\nsystem\n"), "opcode INST is not allowed"},
      {"Obj", before("(" + text("touch flag") + "o"), "opcode OBJ is not allowed"},
      {"StackGlobal", before(text("os") + text("system") + "\x93"), "opcode STACK_GLOBAL is not allowed"},
      {"NewObj", before(")\x81"), "opcode NEWOBJ is not allowed"},
      {"NewObjEx", before(")}\x92"), "opcode NEWOBJ_EX is not allowed"},
      {"Ext1", before("\x82\x01"), "opcode EXT1 is not allowed"},
      {"BuildWithSetstate", before("ccollections\nOrderedDict\n)R}" + text("__setstate__") + "Nsb"),
       "BUILD sets more"},
      {"OrderedDictWithArguments",
       before("ccollections\nOrderedDict\n(Nt"
              "R"),
       "OrderedDict with arguments"},
      {"ReduceOfAText", before(text("x") + ")R"), "REDUCE needs a Python name and a tuple"},
      {"UnknownOpcode", before("\xff"), "unknown pickle opcode 255"},
  };
}

std::vector<Attack> machines() {
  const std::string good = dict_of(rebuild({}));
  return {
      {"MemoNeverSet", before("h\xfe"), "memo index 254 was never set"},
      {"MemoOf2To32", file_of("\x80\x02}r\xff\xff\xff\xff."),
       "memo index 4294967295 is beyond any state dict"},
      {"StackUnderItsFloor", file_of("\x80\x02s."), "takes a value that is not there"},
      {"StopOfAnEmptyStack", file_of("\x80\x02."), "takes a value that is not there"},
      {"TakesBelowAMark", file_of("\x80\x02}(" + text("k") + "s."), "takes a value that is not there"},
      {"MarkThatIsNotThere", file_of("\x80\x02u."), "goes back to a mark that is not there"},
      {"KeyWithoutAValue", file_of("\x80\x02}(Nu."), "a key without a value"},
      {"ItemsOfANumber", file_of("\x80\x02K\x01NNs."), "added to something that cannot hold them"},
      {"TenMillionMarks", file_of("\x80\x02" + std::string(10'000'000, '(')), "the pickle is too long"},
      {"ListsNestedDeep", file_of("\x80\x02" + std::string(200'000, ']') + std::string(199'999, 'a') + "."),
       "holds no dict of tensors"},
      {"LongOf2GB", before("\x8b\xff\xff\xff\x7f"), "opcode LONG4 is not allowed"},
      {"LongOf255Bytes", before("\x8a\xff" + std::string(255, '\1')), "an integer of 255 bytes"},
      {"TextOf4GB", before("X\xff\xff\xff\xff"), "a text claims 4294967295 bytes"},
      {"CutInHalf", file_of(good.substr(0, good.size() / 2)), "(byte "},
      {"EmptyPickle", file_of(""), "the pickle is cut"},
      {"NoPickle", make_zip({{"archive/data/0", "x"}}), "has no data.pkl"},
      {"TwoPickles", make_zip({{"a/data.pkl", good}, {"b/data.pkl", good}}), "more than one data.pkl"},
      {"ZipInAZip", file_of(file_of(good)), "opcode PERSID is not allowed"},
      {"BarePickle", "\x80\x02" + call("os", "system") + ".", "this is no PyTorch weight file"},
      {"EmptyFile", "", "this is no PyTorch weight file"},
      {"RootIsAList", file_of("\x80\x02]."), "holds no dict of tensors"},
      {"KeyIsANumber", file_of("\x80\x02}(K\x01" + rebuild({}) + "u."), "a key of the state dict is no text"},
      {"KeyIsNoUtf8", file_of("\x80\x02}(" + text("\xff\xfe") + rebuild({}) + "u."),
       "a key of the state dict is no text"},
      {"NameTwice", file_of("\x80\x02}(" + text("w") + rebuild({}) + text("w") + rebuild({}) + "u."),
       "w occurs twice"},
      {"ValueIsAText", file_of(dict_of(text("hello"))), "tensor w is no tensor"},
      {"ValueIsItsOwnDict", file_of("\x80\x02}q\x01(" + text("w") + "h\x01u."), "tensor w is no tensor"},
      {"ParameterOfAParameter",
       file_of(dict_of("ctorch._utils\n_rebuild_parameter\nq\x01(h\x01(" + rebuild({}) + "tRtR")),
       "tensor w is no tensor"},
      {"ParameterOfNothing", file_of(dict_of("ctorch._utils\n_rebuild_parameter\n)R")),
       "tensor w is no tensor"},
      {"TensorOfNothing", file_of(dict_of("ctorch._utils\n_rebuild_tensor_v2\n)R")), "fewer than 4 values"},
      {"PersistentIdIsAText",
       file_of(dict_of("ctorch._utils\n_rebuild_tensor_v2\n(" + text("x") + "Q" + number(0) + "))tR")),
       "does not name a storage"},
  };
}

std::vector<Attack> sizes() {
  const auto lie = [](const Tensor& tensor) { return file_of(dict_of(rebuild(tensor))); };
  const int64_t huge = int64_t{1} << 40;
  return {
      {"StorageMissing", lie({.key = "1"}), "tensor w: its storage 1 is missing"},
      {"StorageKeyWithParentFolder", lie({.key = "../../0"}), "its storage ../../0 is missing"},
      {"StorageShort", file_of(dict_of(rebuild({})), "short"), "should hold 6 F32, but has 5 bytes"},
      {"StorageLong", file_of(dict_of(rebuild({})), std::string(28, 's')),
       "should hold 6 F32, but has 28 bytes"},
      {"StorageOfUnknownType", lie({.type = "FloatSt0rage"}), "the pickle names torch.FloatSt0rage"},
      {"StorageOf2To62Elements", lie({.count = number(int64_t{1} << 62)}),
       "should hold 4611686018427387904 F32"},
      {"StorageOfNegativeSize", lie({.count = number(-1)}), "negative number of elements"},
      {"StorageSizeIsAText", lie({.count = text("6")}), "does not name a storage"},
      {"SizeBeyondItsStorage", lie({.shape = numbers({64000, 3})}), "leaves its storage of 6 elements"},
      {"SizeOneBeyond", lie({.shape = numbers({7}), .strides = numbers({1})}),
       "leaves its storage of 6 elements"},
      {"OffsetBeyondItsStorage", lie({.offset = number(huge)}), "leaves its storage"},
      {"OffsetOneBeyond", lie({.offset = number(1)}), "offset 1 leaves its storage"},
      {"OffsetAt2To63", lie({.offset = number(INT64_MAX)}), "leaves its storage"},
      {"NegativeOffset", lie({.offset = number(-4)}), "the offset is negative: -4"},
      {"StrideBeyondItsStorage", lie({.strides = numbers({huge, 1})}), "leaves its storage"},
      {"StrideWraps", lie({.shape = numbers({3, 3}), .strides = numbers({INT64_MAX, 1})}),
       "leaves its storage"},
      {"NegativeStride", lie({.strides = numbers({-3, 1})}), "the stride is negative: -3"},
      {"NegativeSize", lie({.shape = numbers({-2, -3})}), "the shape is negative: -2"},
      {"SizeProductWraps",
       lie({.shape = numbers({int64_t{1} << 33, int64_t{1} << 33}), .strides = numbers({0, 0})}),
       "overflows"},
      {"ManyElementsByStride0", lie({.shape = numbers({huge, 3}), .strides = numbers({0, 0})}),
       "repeats more bytes than the file has"},
      {"StrideOfOtherRank", lie({.strides = numbers({1})}), "has 2 dimensions, but 1 strides"},
      {"HundredDimensions", lie({.shape = numbers(std::vector<int64_t>(100, 1))}), "has 100 dimensions"},
      {"ShapeIsAList", lie({.shape = "]"}), "the shape is no tuple"},
      {"ShapeOfTexts", lie({.shape = "(" + text("2") + "t"}), "the shape is no integer"},
  };
}

const auto kTestName = [](const auto& test) { return std::string(test.param.name); };
INSTANTIATE_TEST_SUITE_P(Calls, PickleAttack, ::testing::ValuesIn(calls()), kTestName);
INSTANTIATE_TEST_SUITE_P(Machine, PickleAttack, ::testing::ValuesIn(machines()), kTestName);
INSTANTIATE_TEST_SUITE_P(Sizes, PickleAttack, ::testing::ValuesIn(sizes()), kTestName);

// A long name, given once and used as the key of many entries, must not be copied each time.
TEST(TorchBin, RepeatedLongNameTakesNoMemory) {
  std::string pickle = "\x80\x02}(" + text(std::string(1 << 20, 'n')) + "q\x01" + rebuild({}) + "q\x02";
  for (int i = 0; i < 200'000; ++i) pickle += "h\x01h\x02";
  expect_error(ErrorCode::kBadData, "occurs twice", [&] { read(file_of(pickle + "u.")); });
}

}  // namespace
}  // namespace valence::formats
