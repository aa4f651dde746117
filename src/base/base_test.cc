#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/shrunk_files.h"
#include "base/threads.h"
#include "base/utf8.h"

namespace valence {
namespace {

TEST(Utf8, RefusesOverlongSurrogatesAndCutSequences) {
  for (const char* bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xF8\x88\x80\x80\x80"}) {
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
  EXPECT_EQ(printable("a\nb\xFF"
                      "é"),
            "a\\x0ab\\xffé");
  EXPECT_EQ(printable(std::string(500, 'x'), 10), std::string(10, 'x') + "…");
}

TEST(ThreadPool, RunsEachIndexOnceAndRethrows) {
  ThreadPool pool(4);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::atomic<int>> hits(97);
    pool.run(hits.size(), [&](size_t i, int) { ++hits[i]; });
    for (auto& hit : hits) EXPECT_EQ(hit, 1);
  }
  EXPECT_THROW(pool.run(10,
                        [](size_t i, int) {
                          if (i == 3) throw Error(ErrorCode::kRuntime, "x");
                        }),
               Error);
}

TEST(ThreadPool, RunsInTheChildOfAFork) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer ends a forked child that starts threads";
#endif
  ThreadPool pool(4);
  const auto sum = [&] {
    std::atomic<size_t> total = 0;
    pool.run(100, [&](size_t i, int) { total += i; });
    return total.load();
  };
  EXPECT_EQ(sum(), 4950u);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(sum() == 4950 && sum() == 4950 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(sum(), 4950u);
}

TEST(AtomicFile, LeavesNothingUnlessCommitted) {
  const auto path = std::filesystem::path(testing::TempDir()) / "valence_atomic_file";
  std::filesystem::remove(path);
  {
    AtomicFile file(path);
    file.write("half");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  AtomicFile file(path);
  file.write("whole");
  EXPECT_FALSE(std::filesystem::exists(path));
  file.commit();
  EXPECT_EQ(map_file(path)->text(), "whole");
  EXPECT_THROW(AtomicFile("/nonexistent-folder/x"), Error);
  EXPECT_THROW(map_file(path.parent_path()), Error);
}

// The rest of the page that holds the new end reads as zeros, so the file has several.
TEST(MapFile, AFileThatShrinksEndsTheProgramWithItsName) {
  const auto path =
      std::filesystem::temp_directory_path() / ("valence-shrinks-" + std::to_string(::getpid()));
  const auto read_shrunk = [&] {
    install_shrunk_file_handler();
    std::ofstream(path) << std::string(1 << 16, 'x');
    const auto file = map_file(path);
    std::filesystem::resize_file(path, 10);
    volatile std::byte last = file->bytes().back();
    static_cast<void>(last);
  };
  EXPECT_EXIT(read_shrunk(), ::testing::ExitedWithCode(65), path.string() + " became shorter");
  std::filesystem::remove(path);
}

TEST(Sha256, KnownVector) {
  const std::string_view abc = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(abc.data(), abc.size()))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Utf8, BlankIsWhiteSpaceAndControls) {
  for (const char* text :
       {"", " ", "\t\r\n", "\x7f", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x83 \xe2\x80\xa8"}) {
    EXPECT_TRUE(is_blank(text)) << text;
  }
  for (const char* text : {"a", " . ", "\xff", "\xe2\x80\x8b"}) EXPECT_FALSE(is_blank(text)) << text;
}

TEST(AtomicFolder, AppearsOnlyWhenCommitted) {
  const std::filesystem::path root =
      testing::TempDir() + "valence_atomic_folder" + std::to_string(::getpid());
  std::filesystem::remove_all(root);
  {
    AtomicFolder dropped(root);
    std::ofstream(dropped.temporary() / "a") << "half";
    EXPECT_FALSE(std::filesystem::exists(root));
  }
  EXPECT_FALSE(std::filesystem::exists(root));
  AtomicFolder folder(root);
  std::ofstream(folder.temporary() / "a") << "whole";
  folder.commit();
  EXPECT_TRUE(std::filesystem::exists(root / "a"));
  EXPECT_THROW(AtomicFolder again(root), Error);
  std::filesystem::remove_all(root);
  EXPECT_THROW(AtomicFolder lost(root / "no" / "such"), Error);
}

}  // namespace
}  // namespace valence
