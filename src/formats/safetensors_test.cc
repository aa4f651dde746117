#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "formats/safetensors_writer.h"
#include "formats/test_support.h"

namespace valence::formats {
namespace {

using valence::testing::expect_error;
using valence::testing::little_endian;
using valence::testing::read_file;
using valence::testing::TemporaryFolder;

std::string file_of(std::string_view header, std::string_view data) {
  return little_endian<uint64_t>(header.size()) + std::string(header) + std::string(data);
}

Safetensors read(const std::string& file) {
  return read_safetensors(std::as_bytes(std::span(file)), "model.safetensors");
}

// Two tensors: "a", F32 [2, 3], 24 bytes, and "b", U8 [4].
constexpr std::string_view kHeader = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                                     R"("b":{"dtype":"U8","shape":[4],"data_offsets":[24,28]}})";
const std::string kData(28, 'd');

// kHeader with one part replaced.
std::string changed(std::string_view part, std::string_view by) {
  std::string header(kHeader);
  const size_t at = header.find(part);
  if (at == std::string::npos) throw std::logic_error("the part does not occur in the header");
  return header.replace(at, part.size(), by);
}

TEST(Safetensors, GivesTheTensorsAsTheyLieInTheFile) {
  std::string data(28, '\0');
  const float first = 1.5f;
  std::memcpy(data.data(), &first, sizeof first);
  const std::string file = file_of(std::string(kHeader) + "   ", data);
  const Safetensors got = read(file);
  ASSERT_EQ(got.tensors.size(), 2u);
  EXPECT_EQ(got.tensors[0].name, "a");
  EXPECT_EQ(got.tensors[0].dtype, DType::kF32);
  EXPECT_EQ(got.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(got.tensors[0].elements(), 6);
  float value;
  std::memcpy(&value, got.tensors[0].bytes.data(), sizeof value);
  EXPECT_EQ(value, 1.5f);
  EXPECT_EQ(got.tensors[1].bytes.size(), 4u);
}

TEST(Safetensors, AcceptsScalarsEmptyTensorsAndMetadata) {
  const std::string file =
      file_of(R"({"__metadata__":{"format":"pt"},"s":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
              R"("e":{"dtype":"F16","shape":[0,7],"data_offsets":[8,8]}})",
              std::string(8, '\0'));
  const Safetensors got = read(file);
  EXPECT_EQ(got.metadata.at("format"), "pt");
  ASSERT_EQ(got.tensors.size(), 2u);
  EXPECT_EQ(got.tensors[0].elements(), 1);
  EXPECT_EQ(got.tensors[1].elements(), 0);
}

TEST(Safetensors, AcceptsAFileWithoutTensors) { EXPECT_TRUE(read(file_of("{}", "")).tensors.empty()); }

// Every known attack on the format, and the words of its own error.
struct Attack {
  const char* name;
  std::string file;
  const char* message;
};
void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

class SafetensorsAttack : public ::testing::TestWithParam<Attack> {};

TEST_P(SafetensorsAttack, IsRefusedByName) {
  expect_error(ErrorCode::kBadData, GetParam().message, [] { read(GetParam().file); });
}

std::string nested(size_t depth) {
  std::string text = "{\"a\":";
  return text.append(depth, '[').append(depth, ']').append("}");
}

std::string repeated(std::string_view part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += part;
  return text;
}

std::vector<Attack> attacks() {
  const std::string good = file_of(kHeader, kData);
  const std::string many_ones = [] {
    std::string shape = "[";
    for (int i = 0; i < 1000; ++i) shape += "1,";
    return shape += "2,3]";
  }();
  return {
      {"EmptyFile", "", "the file has 0 bytes"},
      {"SevenBytes", good.substr(0, 7), "the file has 7 bytes"},
      {"LengthAndNoHeader", good.substr(0, 8), "it is cut or no safetensors file"},
      {"HeaderLengthAllOnes", little_endian(~uint64_t{0}) + good.substr(8), "at most 100 MB"},
      {"HeaderLength2To63", little_endian(uint64_t{1} << 63) + good.substr(8), "at most 100 MB"},
      {"HeaderJustOver100MB", little_endian(uint64_t{100'000'001}) + good.substr(8), "at most 100 MB"},
      {"HeaderBeyondTheFile", little_endian(uint64_t{good.size() - 7}) + good.substr(8), "it is cut"},
      {"HeaderLengthZero", little_endian(uint64_t{0}) + good.substr(8), "does not begin with {"},
      {"HeaderLengthOne", little_endian(uint64_t{1}) + good.substr(8), "not valid JSON"},
      {"HeaderIsText", file_of("xxxx", kData), "does not begin with {"},
      {"HeaderIsAList", file_of(std::string("[").append(kHeader).append("]"), kData),
       "does not begin with {"},
      {"HeaderBeginsWithABlank", file_of(std::string(" ").append(kHeader), kData), "does not begin with {"},
      {"HeaderWithNul", file_of(std::string(kHeader).insert(kHeader.size() - 1, 1, '\0'), kData),
       "not valid JSON"},
      {"HeaderThenText", file_of(std::string(kHeader) + "x", kData), "text after the value"},
      {"ListsNestedDeep", file_of(nested(100'000), kData), "not valid JSON"},
      {"NameIsNoUtf8", file_of(changed("\"a\"", "\"\xff\xfe\""), kData), "not valid JSON"},
      {"MillionsOfValues", file_of("{\"a\":[" + repeated("0,", 5'000'000) + "0]}", ""),
       "has more than 4000000 values"},
      {"NameTwice", file_of(changed("\"b\"", "\"a\""), kData), "the key \"a\" occurs twice"},
      {"NameTwiceByEscape", file_of(changed("\"b\"", "\"\\u0061\""), kData), "the key \"a\" occurs twice"},
      {"EntryIsAList", file_of(R"({"a":[]})", ""), "tensor a: expected an object"},
      {"MetadataIsNoText", file_of(R"({"__metadata__":{"a":1}})", ""), "__metadata__: a: expected a string"},
      {"ShapeProductWrapsToZero", file_of(changed("[2,3]", "[4294967296,4294967296]"), kData), "overflows"},
      {"ShapeProductWrapsToItsSize", file_of(changed("[2,3]", "[4611686018427387906,3]"), kData),
       "overflows"},
      {"ShapeProductOverflowsBehindAZero", file_of(changed("[2,3]", "[4294967296,4294967296,0]"), kData),
       "overflows"},
      {"ShapeOf2To64", file_of(changed("[2,3]", "[18446744073709551616,1]"), kData), "an integer of 63 bits"},
      {"ShapeOf2To63", file_of(changed("[2,3]", "[9223372036854775808,1]"), kData), "an integer of 63 bits"},
      {"NegativeShape", file_of(changed("[2,3]", "[-2,-3]"), kData), "-2 is negative"},
      {"FractionalShape", file_of(changed("[2,3]", "[2.5,3]"), kData), "an integer of 63 bits, got a number"},
      {"ShapeOfText", file_of(changed("[2,3]", "\"2,3\""), kData), "shape: expected a list"},
      {"ThousandDimensions", file_of(changed("[2,3]", many_ones), kData), "has 1002 dimensions"},
      {"ShapeAndBytesDiffer", file_of(changed("[2,3]", "[2,2]"), kData),
       "F32 [2, 2] needs 16 bytes, data_offsets give 24"},
      {"OffsetsReversed", file_of(changed("[0,24]", "[24,0]"), kData), "data_offsets are reversed"},
      {"OffsetsBeyondTheFile", file_of(changed("[0,24]", "[28,52]"), kData),
       "end at 52, but the file holds 28"},
      {"OffsetsAt2To63", file_of(changed("[0,24]", "[9223372036854775784,9223372036854775808]"), kData),
       "63 bits"},
      {"NegativeOffsets", file_of(changed("[0,24]", "[-24,0]"), kData), "-24 is negative"},
      {"ThreeOffsets", file_of(changed("[0,24]", "[0,24,24]"), kData), "expected 2 numbers, got 3"},
      {"NoOffsets", file_of(R"({"a":{"dtype":"F32","shape":[1]}})", "1234"),
       "tensor a: data_offsets is missing"},
      {"TensorsShareBytes", file_of(changed("[24,28]", "[20,24]"), kData),
       "tensor b shares bytes with tensor a"},
      {"HoleBeforeTheFirst", file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", "12345678"),
       "4 bytes before tensor a belong to no tensor"},
      {"HoleBetween", file_of(changed("[24,28]", "[26,30]"), kData + "xx"),
       "2 bytes before tensor b belong to no"},
      {"BytesAfterTheLast", good + "tail", "4 bytes after the last tensor"},
      {"CutByOneByte", good.substr(0, good.size() - 1),
       "tensor b: its bytes end at 28, but the file holds 27"},
      {"UnknownDtype", file_of(changed("F32", "F33"), kData), "tensor a: unknown dtype \"F33\""},
      {"DtypeIsANumber", file_of(changed("\"F32\"", "32"), kData), "dtype: expected a string"},
      {"DtypeOfOtherWidth", file_of(changed("F32", "F64"), kData), "F64 [2, 3] needs 48 bytes"},
      {"DtypeMissing", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "1234"),
       "tensor a: dtype is missing"},
  };
}

INSTANTIATE_TEST_SUITE_P(Safetensors, SafetensorsAttack, ::testing::ValuesIn(attacks()),
                         [](const auto& test) { return test.param.name; });

TEST(Safetensors, CutAnywhereIsRefused) {
  const std::string file = file_of(kHeader, kData);
  for (size_t size = 0; size < file.size(); ++size) {
    expect_error(ErrorCode::kBadData, "model.safetensors: ", [&] { read(file.substr(0, size)); });
  }
}

TEST(Safetensors, WithAnyByteChangedIsReadOrRefused) {
  const std::string file = file_of(kHeader, kData);
  for (size_t at = 0; at < file.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = file;
      changed[at] = static_cast<char>(value);
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

TEST(SafetensorsWriter, LaysTensorsOutLikeTheReferenceImplementation) {
  // What safetensors 0.6 writes for the same tensors.
  const std::string expected = file_of(
      R"({"__metadata__":{"format":"pt"},"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[12,16]},)"
      R"("c":{"dtype":"BF16","shape":[1],"data_offsets":[16,18]},"d":{"dtype":"U8","shape":[3],"data_offsets":[18,21]}})"
      "      ",
      "zzzzzzzzaaaabbbbccddd");
  const auto bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  const std::vector<TensorView> tensors = {{"d", DType::kU8, {3}, bytes("ddd")},
                                           {"b", DType::kF32, {1, 1}, bytes("bbbb")},
                                           {"c", DType::kBF16, {1}, bytes("cc")},
                                           {"a", DType::kF32, {1}, bytes("aaaa")},
                                           {"z", DType::kI64, {1}, bytes("zzzzzzzz")}};
  TemporaryFolder folder;
  write_safetensors(folder / "m.safetensors", tensors);
  EXPECT_EQ(read_file(folder / "m.safetensors"), expected);
}

TEST(SafetensorsWriter, LeavesNothingWhenItIsNotCommitted) {
  TemporaryFolder folder;
  {
    SafetensorsWriter writer(folder / "m.safetensors", {{"a", DType::kU8, {4}}});
    writer.write(std::as_bytes(std::span("12", 2)));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, RefusesARepeatedNameAndAnImpossibleShape) {
  TemporaryFolder folder;
  const std::vector<TensorSpec> twice = {{"a", DType::kU8, {4}}, {"a", DType::kF32, {4}}};
  expect_error(ErrorCode::kBadData, "tensor a occurs twice", [&] { SafetensorsWriter(folder / "m", twice); });
  const std::vector<TensorSpec> wide = {{"a", DType::kU8, {int64_t{1} << 62, 8}}};
  expect_error(ErrorCode::kBadData, "overflows", [&] { SafetensorsWriter(folder / "m", wide); });
}

}  // namespace
}  // namespace valence::formats
