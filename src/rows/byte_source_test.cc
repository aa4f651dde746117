#include "rows/byte_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "rows/decompress.h"
#include "rows/rows_for_test.h"

namespace valence::rows {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string decoded(std::string bytes, size_t step = 4096) {
  return read_to_end(*open_memory(std::move(bytes)), step);
}

std::string error_in(const std::string& bytes) {
  return error_of([&] { decoded(bytes); });
}

// Text that compresses, of more than one chunk of the decoders.
std::string long_text() {
  std::mt19937 random(5);
  std::string text;
  while (text.size() < 700'000) text += "row " + std::to_string(random() % 1000) + '\n';
  return text;
}

class File {
 public:
  File(const std::string& name, std::string_view content) : path(testing::TempDir() + name) {
    std::ofstream(path, std::ios::binary) << content;
  }
  ~File() { std::filesystem::remove(path); }
  const std::string path;
};

TEST(ByteSource, GivesTheBytesOfAFileAndItsSize) {
  const File file("valence_bytes.txt", "some bytes");
  const auto source = open_bytes(file.path);
  EXPECT_EQ(source->total(), 10u);
  EXPECT_EQ(read_to_end(*source, 3), "some bytes");
  EXPECT_EQ(source->taken(), 10u);
}

TEST(ByteSource, NamesAFileThatCannotBeRead) {
  EXPECT_THAT(error_of([] { open_bytes("/nowhere/at-all.txt"); }),
              StartsWith("66 cannot open '/nowhere/at-"));
  EXPECT_THAT(error_of([] { open_bytes("/tmp"); }), HasSubstr("it is a folder"));
  const std::string odd = error_of([] { open_bytes("line\nend\x1b[31m.txt"); });
  EXPECT_EQ(odd.find('\n'), std::string::npos);
  EXPECT_EQ(odd.find('\x1b'), std::string::npos);
}

TEST(ByteSource, KnowsCompressionByTheFirstBytesWhateverTheName) {
  const File file("valence_plain_name.txt", gzip("packed"));
  EXPECT_EQ(read_to_end(*open_bytes(file.path)), "packed");
  EXPECT_EQ(decoded(zstd("packed")), "packed");
  EXPECT_EQ(decoded("\x1f"), "\x1f");
  EXPECT_EQ(decoded(""), "");
}

TEST(ByteSource, RefusesANameThatPromisesAnotherFormat) {
  const File plain("valence_not.txt.gz", "good\n");
  EXPECT_THAT(error_of([&] { open_bytes(plain.path); }),
              HasSubstr("is not gzip data, though its name says so"));
  const File other("valence_not.csv.ZST", gzip("good\n"));
  EXPECT_THAT(error_of([&] { open_bytes(other.path); }), StartsWith("65 "));
  const File empty("valence_empty.csv.gz", "");
  EXPECT_THAT(error_of([&] { open_bytes(empty.path); }), StartsWith("65 "));
}

TEST(Gzip, ReadsMembersOneAfterAnother) {
  const std::string text = long_text();
  for (const size_t step : {1u, 7u, 4096u, 1u << 20}) {
    const size_t length = step == 1 ? 3000 : text.size();
    EXPECT_EQ(decoded(gzip(text.substr(0, length / 3)) + gzip("") + gzip(text.substr(length / 3, length / 2)),
                      step),
              text.substr(0, length / 3) + text.substr(length / 3, length / 2));
  }
  EXPECT_EQ(decoded(gzip("")), "");
  EXPECT_EQ(decoded(gzip("on a tape") + std::string(512, '\0')), "on a tape");
}

TEST(Gzip, IsAnErrorWhereverItIsCut) {
  const std::string whole = gzip("first member, long enough to be cut anywhere") + gzip("second");
  const size_t first = gzip("first member, long enough to be cut anywhere").size();
  for (size_t length = 2; length < whole.size(); ++length) {
    if (length == first) continue;  // a whole file
    EXPECT_THAT(error_in(whole.substr(0, length)), HasSubstr("the gzip data is cut short")) << length;
  }
}

TEST(Gzip, NoticesDamage) {
  const std::string whole = gzip(long_text());
  for (const size_t at : {size_t{2}, whole.size() / 2, whole.size() - 8, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_THAT(error_in(damaged), StartsWith("65 the input: the gzip data is ")) << at;
  }
  EXPECT_THAT(error_in(whole + "rest"), HasSubstr("bytes that are not gzip follow"));
  EXPECT_THAT(error_in(whole + std::string(3, '\0') + gzip("again")),
              HasSubstr("bytes that are not gzip follow"));
}

TEST(Zstd, ReadsFramesOneAfterAnotherAndSkipsTheSkippable) {
  const std::string text = long_text();
  const std::string skippable("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  for (const size_t step : {5u, 4096u, 1u << 20}) {
    EXPECT_EQ(decoded(skippable + zstd(text) + zstd("") + skippable + zstd("end"), step), text + "end");
  }
  EXPECT_EQ(decoded(zstd("")), "");
}

TEST(Zstd, IsAnErrorWhereverItIsCut) {
  const std::string whole = zstd("one frame, long enough to be cut anywhere") + zstd("second");
  const size_t first = zstd("one frame, long enough to be cut anywhere").size();
  for (size_t length = 4; length < whole.size(); ++length) {
    if (length == first) continue;
    EXPECT_THAT(error_in(whole.substr(0, length)), HasSubstr("the zstd data is cut short")) << length;
  }
}

TEST(Zstd, NoticesDamageAndFramesThatAskForTooMuchMemory) {
  std::string damaged = zstd(long_text());
  damaged[damaged.size() - 2] ^= 1;  // its checksum
  EXPECT_THAT(error_in(damaged), StartsWith("65 the input: the zstd data is damaged"));
  EXPECT_THAT(error_in(zstd("frame") + "rest"), StartsWith("65 "));
  EXPECT_EQ(decoded(zstd("a window of 128 MiB", 27)), "a window of 128 MiB");
  EXPECT_THAT(error_in(zstd("a window of 256 MiB", 28)), HasSubstr("asks for too much memory"));
}

TEST(Decompress, SurvivesRandomBytesBehindTheMagic) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = round % 2 == 0 ? gzip("a row of text\n") : zstd("a row of text\n");
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips) {
      bytes[4 + random() % (bytes.size() - 4)] = static_cast<char>(random());
    }
    const std::string error = error_in(bytes);
    EXPECT_TRUE(error == "none" || error.starts_with("65 the input: the ") ||
                error.starts_with("65 the input: bytes"))
        << error;
  }
}

TEST(Compression, IsKnownByTheEnding) {
  EXPECT_EQ(compression_by_name("a.csv.gz"), Compression::kGzip);
  EXPECT_EQ(compression_by_name("a.JSONL.Zst"), Compression::kZstd);
  EXPECT_EQ(compression_by_name("gz"), Compression::kNone);
  EXPECT_EQ(compression_by_name("a.gz.txt"), Compression::kNone);
}

}  // namespace
}  // namespace valence::rows
