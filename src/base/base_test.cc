#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/threads.h"
#include "base/utf8.h"

namespace valence {
namespace {

TEST(Utf8, RefusesOverlongSurrogatesAndCutSequences) {
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xF8\x88\x80\x80\x80"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
  for (char32_t c : {U'a', U'é', U'\uFFFD', U'\U0010FFFF'}) {
    std::string text;
    append_utf8(text, c);
    size_t at = 0;
    EXPECT_EQ(decode_utf8(text, at), c);
    EXPECT_EQ(at, text.size());
  }
}

TEST(Printable, EscapesControlsAndInvalidBytes) {
  EXPECT_EQ(printable("a\nb\xFF" "é"), "a\\x0ab\\xffé");
  EXPECT_EQ(printable(std::string(500, 'x'), 10), std::string(10, 'x') + "…");
}

TEST(ThreadPool, RunsEachIndexOnceAndRethrows) {
  ThreadPool pool(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::atomic<int>> hits(97);
    pool.run(hits.size(), [&](size_t i, int) { ++hits[i]; });
    for (auto& hit : hits) EXPECT_EQ(hit, 1);
  }
  EXPECT_THROW(pool.run(10, [](size_t i, int) { if (i == 3) throw Error(ErrorCode::kRuntime, "x"); }), Error);
}

TEST(AtomicFile, LeavesNothingUnlessCommitted) {
  const auto path = std::filesystem::path(testing::TempDir()) / "valence_atomic_file";
  std::filesystem::remove(path);
  { AtomicFile file(path); file.write("half"); }
  EXPECT_FALSE(std::filesystem::exists(path));
  AtomicFile file(path);
  file.write("whole");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.commit();
  EXPECT_EQ(map_file(path)->text(), "whole");
  EXPECT_THROW(AtomicFile("/nonexistent-folder/x"), Error);
  EXPECT_THROW(map_file(path.parent_path()), Error);
}

TEST(Sha256, KnownVector) {
  const std::string_view abc = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(abc.data(), abc.size()))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace valence
