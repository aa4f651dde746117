#include "formats/zip.h"

#include <gtest/gtest.h>

#include "formats/test_support.h"
#include "formats/zip_for_test.h"

namespace valence::formats {
namespace {

using valence::testing::expect_error;
using valence::testing::little_endian;
using valence::testing::make_zip;
using valence::testing::ZipLies;

ZipMembers read(const std::string& file) { return read_stored_zip(std::as_bytes(std::span(file)), "x.bin"); }

void refuses(const std::string& file, const char* message) {
  expect_error(ErrorCode::kBadData, message, [&] { read(file); });
}

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const std::string kGood =
    make_zip({{"top/data.pkl", "pickle"}, {"top/data/0", "12345678"}, {"top/empty", ""}});

TEST(Zip, GivesTheMembersAsTheyLie) {
  const ZipMembers members = read(kGood);
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(text(members.at("top/data.pkl")), "pickle");
  EXPECT_EQ(text(members.at("top/data/0")), "12345678");
  EXPECT_EQ(text(members.at("top/empty")), "");
}

TEST(Zip, SkipsAComment) {
  std::string file = kGood;
  file.replace(file.size() - 2, 2, little_endian<uint16_t>(5));
  EXPECT_EQ(read(file + "hello").size(), 3u);
}

// Sizes and the directory's place in 64 bits, as PyTorch writes for more than 4 GB or 65535 members.
TEST(Zip, ReadsZip64) {
  const std::string content = "12345678";
  const std::string name = "a";
  std::string file = little_endian<uint32_t>(0x04034b50) + std::string(22, '\0') +
                     little_endian<uint16_t>(1) + little_endian<uint16_t>(0) + name + content;
  const uint64_t directory_at = file.size();
  const std::string extra = little_endian<uint16_t>(1) + little_endian<uint16_t>(24) +
                            little_endian<uint64_t>(8) + little_endian<uint64_t>(8) +
                            little_endian<uint64_t>(0);
  const std::string ones(4, '\xff');
  const std::string directory = little_endian<uint32_t>(0x02014b50) + std::string(16, '\0') + ones + ones +
                                little_endian<uint16_t>(1) + little_endian<uint16_t>(extra.size()) +
                                std::string(10, '\0') + ones + name + extra;
  const uint64_t end_at = directory_at + directory.size();
  file += directory;
  file += little_endian<uint32_t>(0x06064b50) + little_endian<uint64_t>(44) + std::string(12, '\0') +
          little_endian<uint64_t>(1) + little_endian<uint64_t>(1) +
          little_endian<uint64_t>(directory.size()) + little_endian<uint64_t>(directory_at);
  file += little_endian<uint32_t>(0x07064b50) + std::string(4, '\0') + little_endian<uint64_t>(end_at) +
          little_endian<uint32_t>(1);
  file += little_endian<uint32_t>(0x06054b50) + std::string(4, '\0') + std::string(12, '\xff') +
          std::string(2, '\0');
  EXPECT_EQ(text(read(file).at("a")), content);

  std::string lying = file;
  lying.replace(end_at + 32, 8, little_endian<uint64_t>(uint64_t{1} << 60));
  refuses(lying, "cannot hold 1152921504606846976 members");
  lying = file;
  lying.replace(end_at + 48, 8, little_endian<uint64_t>(~uint64_t{0}));
  refuses(lying, "directory lies outside of the file");
  lying = file;
  lying.replace(end_at + 56 + 8, 8, little_endian<uint64_t>(uint64_t{1} << 63));
  refuses(lying, "zip64 end record is not where the archive says");
}

TEST(Zip, CutInHalfIsRefused) { refuses(kGood.substr(0, kGood.size() / 2), "has no directory"); }
TEST(Zip, WithoutItsLastByteIsRefused) { refuses(kGood.substr(0, kGood.size() - 1), "has no directory"); }
TEST(Zip, EmptyFileIsRefused) { refuses("", "has no directory"); }
TEST(Zip, CompressedMemberIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.method = 8}), "member a is compressed (method 8)");
}
TEST(Zip, UnknownMethodIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.method = 99}), "compressed (method 99)");
}
TEST(Zip, EncryptedMemberIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.flags = 1}), "member a is encrypted");
}
TEST(Zip, SizeOf4GBIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.packed = 0xf0000000, .size = 0xf0000000}),
          "member a claims 4026531841 bytes");
}
TEST(Zip, TwoSizesOfAStoredMemberAreRefused) {
  refuses(make_zip({{"a", "x"}}, {.size = 0xf0000000}), "its two sizes differ: 1 and 4026531841");
}
TEST(Zip, MemberAt4GBIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.offset = 0xf0000000}), "member a is not where the zip directory says");
}
TEST(Zip, MemberThatIsNamedOtherwiseAtItsPlaceIsRefused) {
  std::string file = make_zip({{"abc", "x"}});
  file.replace(30, 3, "xyz");
  refuses(file, "member abc has another name at its place");
}
TEST(Zip, DirectoryAt4GBIsRefused) {
  std::string file = kGood;
  file.replace(file.size() - 6, 4, little_endian<uint32_t>(0xfffffff0));
  refuses(file, "directory lies outside of the file");
}
TEST(Zip, DirectoryOfTooManyMembersIsRefused) {
  std::string file = kGood;
  file.replace(file.size() - 12, 2, little_endian<uint16_t>(60000));
  refuses(file, "cannot hold 60000 members");
}
TEST(Zip, DamagedDirectoryIsRefused) {
  std::string file = make_zip({{"a", "x"}});
  file.replace(32, 4, "PKxx");
  refuses(file, "directory is damaged");
}
TEST(Zip, NameTwiceIsRefused) { refuses(make_zip({{"a", "x"}, {"a", "y"}}), "member a occurs twice"); }
TEST(Zip, OverlappingMembersAreRefused) {
  // The first member claims the bytes of the second as its own.
  refuses(make_zip({{"a", "x"}, {"b", "yyyy"}}, {.packed = 20, .size = 20}),
          "members of the zip archive overlap");
}
TEST(Zip, MemberThatReachesIntoTheDirectoryIsRefused) {
  refuses(make_zip({{"a", "x"}}, {.packed = 9, .size = 9}), "members of the zip archive overlap");
}
TEST(Zip, SlipIsRefused) {
  for (const char* name : {"../../data.pkl", "a/../../b", "..", "/etc/passwd", "a\\..\\b", ""}) {
    refuses(make_zip({{name, "x"}}), "leads out of the archive");
  }
  refuses(make_zip({{std::string("a\0b", 3), "x"}}), "leads out of the archive");
}
TEST(Zip, NameWithTwoDotsInsideIsFine) { EXPECT_EQ(read(make_zip({{"a..b", "x"}})).size(), 1u); }

}  // namespace
}  // namespace valence::formats
