#include "jobs/job.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <set>
#include <thread>

#include "base/error.h"
#include "jobs/job_for_test.h"
#include "rows/rows_for_test.h"

namespace valence::jobs {
namespace {

using rows::OutputFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using valence::testing::expect_error;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(Job, KeepsTheOrderWhateverTheWorkersDo) {
  const Folder folder;
  std::string input = "id,text\n";
  for (int i = 0; i < 5000; ++i) input += std::to_string(i) + ",text " + std::to_string(i % 91) + "\n";
  folder.write("in.csv", input);
  std::set<std::string> outputs;
  for (const int workers : {1, 2, 7}) {
    std::atomic<int> batch = 0;
    pipeline::FakeClassifier classifier(workers, [&](std::span<const std::string_view>, int) {
      for (int turns = batch++ * 7919 % 50; turns > 0; --turns) std::this_thread::yield();
    });
    const JobOutcome outcome = run_job(folder.job("in.csv", "out.csv"), classifier);
    EXPECT_EQ(outcome.exit_status, 0);
    EXPECT_EQ(outcome.summary.rows, 5000u);
    outputs.insert(folder.read("out.csv"));
  }
  ASSERT_EQ(outputs.size(), 1u);
  const std::vector<std::string> lines = lines_of(*outputs.begin());
  ASSERT_EQ(lines.size(), 5001u);
  for (int i = 0; i < 5000; ++i) {
    const std::string begin = std::to_string(i) + ",text " + std::to_string(i % 91) + ",";
    ASSERT_THAT(lines[static_cast<size_t>(i) + 1], StartsWith(begin));
  }
  EXPECT_THAT(folder.names(), ElementsAre("in.csv", "out.csv"));
}

TEST(Job, AccountsForEveryRow) {
  const Folder folder;
  folder.write("in.txt", some_lines(1000));
  const JobOutcome outcome = run_job(folder.job("in.txt", "out.jsonl"));
  EXPECT_EQ(outcome.exit_status, 3);
  const std::vector<std::string> results = lines_of(folder.read("out.jsonl"));
  const std::vector<std::string> rejects = lines_of(folder.read("out.jsonl.rejects.jsonl"));
  EXPECT_EQ(results.size() + rejects.size(), 1000u);
  EXPECT_EQ(outcome.summary.rows, 1000u);
  EXPECT_EQ(outcome.summary.rejected, rejects.size());
  EXPECT_EQ(rejects[0], R"({"line":4,"reason":"empty_text","message":"the text is empty or blank"})");
  EXPECT_EQ(
      rejects[1],
      R"({"line":6,"reason":"invalid_encoding","message":"the row is not valid text in its encoding"})");
  EXPECT_THAT(rejects,
              ::testing::Contains(R"({"line":501,"reason":"too_long","message":"the text is too long"})"));
}

TEST(Job, ReadsAndWritesEachFormat) {
  const Folder folder;
  const std::string csv = "id,text\n1,good\n2,\"two\nlines\"\n";
  folder.write("in.csv", csv);
  folder.write("in.csv.gz", rows::gzip(csv));
  folder.write("in.jsonl.zst",
               rows::zstd("{\"id\":1.0,\"text\":\"good\"}\n{\"id\":2,\"text\":\"two\\nlines\"}\n"));
  folder.write("in.tsv", "id\ttext\n1\tgood\n2\ttwo lines\n");
  folder.write("plain", csv);
  run_job(folder.job("in.csv", "a.csv"));
  EXPECT_THAT(folder.read("a.csv"),
              StartsWith("id,text,label,score,polarity,tokens,windows,truncated\n1,good,"));
  run_job(folder.job("in.csv.gz", "b.csv"));
  EXPECT_EQ(folder.read("b.csv"), folder.read("a.csv"));
  run_job(folder.job("in.jsonl.zst", "c.jsonl"));
  EXPECT_THAT(folder.read("c.jsonl"), StartsWith("{\"id\":1.0,\"text\":\"good\",\"line\":1,\"label\":"));
  run_job(folder.job("in.tsv", "d.tsv"));
  EXPECT_THAT(folder.read("d.tsv"), StartsWith("id\ttext\tlabel\t"));
  run_job(folder.job("in.csv", "e"));
  EXPECT_THAT(folder.read("e"), StartsWith("{\"id\":\"1\",\"text\":\"good\",\"line\":2,"));
  JobOptions named = folder.job("plain", "f");
  named.input_format = rows::Format::kCsv;
  named.format = OutputFormat::kCsv;
  run_job(named);
  EXPECT_EQ(folder.read("f"), folder.read("a.csv"));
}

TEST(Job, GivesWhatItIsAskedFor) {
  const Folder folder;
  folder.write("in.txt", "good\n");
  JobOptions options = folder.job("in.txt", "out.jsonl");
  options.logits = true;
  options.provenance = true;
  options.top_k = 1;
  run_job(options);
  EXPECT_THAT(
      folder.read("out.jsonl"),
      ::testing::AllOf(HasSubstr("\"scores\":{\""), HasSubstr(":0.5},"), HasSubstr("\"logits\":[-1.5,0.125,"),
                       HasSubstr("\"model\":{\"name\":\"fake\",\"revision\":null,\"sha256\":\"00ff\"")));
}

TEST(Job, OfNothingWritesAnEmptyOutput) {
  const Folder folder;
  folder.write("in.txt", "");
  folder.write("in.csv", "id,text\n");
  EXPECT_EQ(run_job(folder.job("in.txt", "out.jsonl")).exit_status, 0);
  EXPECT_EQ(folder.read("out.jsonl"), "");
  EXPECT_EQ(run_job(folder.job("in.csv", "out.csv")).exit_status, 0);
  EXPECT_EQ(folder.read("out.csv"), "id,text,label,score,polarity,tokens,windows,truncated\n");
}

TEST(Job, ClassifiesFewRowsWithAllThreadsTogether) {
  const Folder folder;
  folder.write("few.txt", "one\ntwo\n");
  folder.write("many.txt", some_lines(100));
  pipeline::FakeClassifier classifier;
  run_job(folder.job("few.txt", "few.jsonl"), classifier);
  EXPECT_EQ(classifier.together(), 1);
  run_job(folder.job("many.txt", "many.jsonl"), classifier);
  EXPECT_EQ(classifier.together(), 1);
}

TEST(Job, ReplacesWhatAnEarlierRunWrote) {
  const Folder folder;
  folder.write("bad.txt", "good\n\n");
  folder.write("good.txt", "good\n");
  run_job(folder.job("bad.txt", "out.jsonl"));
  EXPECT_TRUE(folder.has("out.jsonl.rejects.jsonl"));
  run_job(folder.job("good.txt", "out.jsonl"));
  EXPECT_THAT(folder.names(), ElementsAre("bad.txt", "good.txt", "out.jsonl"));
  EXPECT_EQ(lines_of(folder.read("out.jsonl")).size(), 1u);
}

TEST(Job, LeavesALinkALink) {
  const Folder folder;
  folder.write("in.txt", "good\n");
  std::filesystem::create_directory(folder.path("elsewhere"));
  folder.write("elsewhere/out.jsonl", "old");
  std::filesystem::create_symlink(folder.path("elsewhere/out.jsonl"), folder.path("out.jsonl"));
  run_job(folder.job("in.txt", "out.jsonl"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("out.jsonl")));
  EXPECT_THAT(folder.read("elsewhere/out.jsonl"), StartsWith("{\"line\":1"));
}

TEST(Job, RefusesAnOutputThatIsItsInput) {
  const Folder folder;
  folder.write("in.jsonl", "{\"text\":\"good\"}\n");
  std::filesystem::create_symlink("in.jsonl", folder.path("link.jsonl"));
  std::filesystem::create_hard_link(folder.path("in.jsonl"), folder.path("hard.jsonl"));
  std::filesystem::create_hard_link(folder.path("in.jsonl"), folder.path("out.rejects.jsonl"));
  for (const char* output : {"in.jsonl", "link.jsonl", "hard.jsonl", "out"}) {
    expect_error(ErrorCode::kUsage, "is the input itself", [&] { Job job(folder.job("in.jsonl", output)); });
  }
  EXPECT_EQ(folder.read("in.jsonl"), "{\"text\":\"good\"}\n");
}

TEST(Job, RefusesAnOutputThatCannotBe) {
  const Folder folder;
  folder.write("in.txt", "good\n");
  std::filesystem::create_directory(folder.path("folder"));
  expect_error(ErrorCode::kRuntime, "none/out.jsonl",
               [&] { Job job(folder.job("in.txt", "none/out.jsonl")); });
  expect_error(ErrorCode::kRuntime, "it is a folder", [&] { Job job(folder.job("in.txt", "folder")); });
  expect_error(ErrorCode::kRuntime, "out.jsonl", [&] { Job job(folder.job("in.txt", "in.txt/out.jsonl")); });
  expect_error(ErrorCode::kUsage, "compressed", [&] { Job job(folder.job("in.txt", "out.csv.gz")); });
  EXPECT_THAT(folder.names(), ElementsAre("folder", "in.txt"));
}

TEST(Job, RefusesASecondRunOnItsOutput) {
  const Folder folder;
  folder.write("in.txt", "good\n");
  pipeline::FakeClassifier classifier;
  {
    Job first(folder.job("in.txt", "out.jsonl"));
    expect_error(ErrorCode::kRuntime, "another run is writing it",
                 [&] { Job job(folder.job("in.txt", "out.jsonl")); });
    Job other(folder.job("in.txt", "other.jsonl"));
    first.run(classifier);
  }
  EXPECT_THAT(folder.names(), ElementsAre("in.txt", "out.jsonl"));
  EXPECT_EQ(run_job(folder.job("in.txt", "out.jsonl")).exit_status, 0);
}

TEST(Job, OfADamagedInputLeavesNothing) {
  const Folder folder;
  const std::string whole = rows::gzip(some_lines(20'000));
  folder.write("in.txt.gz", whole.substr(0, whole.size() - 5));
  JobOptions options = folder.job("in.txt.gz", "out.jsonl");
  options.checkpoint_every = std::chrono::milliseconds(0);
  expect_error(ErrorCode::kBadData, "the gzip data is cut short", [&] { run_job(options); });
  EXPECT_THAT(folder.names(), ElementsAre("in.txt.gz"));
}

TEST(Job, WithoutAnOutputFileCannotBeResumed) {
  const Folder folder;
  folder.write("in.txt", "good\n");
  JobOptions options = folder.job("in.txt", "out.txt");
  options.resume = true;
  options.format = OutputFormat::kTable;
  expect_error(ErrorCode::kUsage, "can be resumed", [&] { Job job(options); });
  options.format = std::nullopt;
  options.output = "/dev/null";
  expect_error(ErrorCode::kUsage, "can be resumed", [&] { Job job(options); });
  options.output = "";
  expect_error(ErrorCode::kUsage, "can be resumed", [&] { Job job(options); });
}

TEST(Job, SendsRejectsToStandardErrorBesideStandardOutput) {
  const Folder folder;
  folder.write("in.txt", "good\n\nbad\n");
  JobOptions options = folder.job("in.txt", "");
  options.output = "";
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(run_job(options).exit_status, 3);
  EXPECT_EQ(lines_of(::testing::internal::GetCapturedStdout()).size(), 2u);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "{\"line\":2,\"reason\":\"empty_text\",\"message\":\"the text is empty or blank\"}\n");
}

TEST(Job, WritesADeviceOrPipeStraight) {
  const Folder folder;
  folder.write("in.txt", some_lines(100));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = folder.read("pipe"); });
  JobOptions options = folder.job("in.txt", "pipe");
  ::testing::internal::CaptureStderr();
  run_job(options);
  ::testing::internal::GetCapturedStderr();
  reader.join();
  run_job(folder.job("in.txt", "out"));
  EXPECT_EQ(got, folder.read("out"));
}

TEST(Job, SummarizesUnlessQuiet) {
  const Folder folder;
  folder.write("in.txt", "caf\xe9 one\n\nNO POLARITY\n");
  JobOptions options = folder.job("in.txt", "out.csv");
  ::testing::internal::CaptureStderr();
  const Summary summary = run_job(options).summary;
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(summary.with_polarity, 1u);
  options.quiet = false;
  ::testing::internal::CaptureStderr();
  run_job(options);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("3 rows, 1 rejected"));
  EXPECT_THAT(said, HasSubstr("mean polarity "));
  EXPECT_THAT(said, HasSubstr("the input was read as Windows-1252"));
  EXPECT_THAT(said, HasSubstr("rejected rows: " + folder.path("out.csv.rejects.jsonl").string()));
  EXPECT_THAT(said, Not(HasSubstr("\r")));  // no terminal, no progress
  EXPECT_THAT(folder.read("out.csv"), ::testing::ContainsRegex("NO POLARITY,[a-z]+,0.5,,"));
}

TEST(Job, ShowsProgressOnATerminal) {
  const Folder folder;
  folder.write("in.txt", some_lines(100));
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(::grantpt(terminal) | ::unlockpt(terminal), 0);
  const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  const int saved = ::dup(STDERR_FILENO);
  const auto said_by = [&](bool quiet) {
    ::dup2(screen, STDERR_FILENO);
    JobOptions options = folder.job("in.txt", "out.jsonl");
    options.quiet = quiet;
    run_job(options);
    const char end = '$';
    EXPECT_EQ(::write(STDERR_FILENO, &end, 1), 1);
    ::dup2(saved, STDERR_FILENO);
    std::string said, block(4096, '\0');
    while (!said.ends_with('$')) {
      const ssize_t got = ::read(terminal, block.data(), block.size());
      if (got <= 0) break;
      said.append(block, 0, static_cast<size_t>(got));
    }
    return said;
  };
  EXPECT_THAT(said_by(false), ::testing::ContainsRegex("\r.*rows/s.*\r.*100 rows, "));
  EXPECT_EQ(said_by(true), "$");
  for (const int fd : {terminal, screen, saved}) ::close(fd);
}

// While the oldest batch is not answered, only so much is read: memory does not grow with the file.
TEST(Job, ReadsNoFurtherAheadThanItsQueue) {
  const Folder folder;
  std::string input;
  for (int i = 0; i < 60'000; ++i) input += "a short row\n";
  folder.write("in.txt", input);
  constexpr size_t kWorkers = 2, kLargestBatch = 1024;
  std::atomic<size_t> begun = 0, begun_before_oldest = 0;
  std::atomic<bool> first = true;
  pipeline::FakeClassifier classifier(kWorkers, [&](std::span<const std::string_view> texts, int) {
    begun += texts.size();
    if (!first.exchange(false)) return;
    // Long enough for the other worker to answer the whole file, if it were let.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    begun_before_oldest = begun.load();
  });
  run_job(folder.job("in.txt", "out.jsonl"), classifier);
  EXPECT_EQ(begun, 60'000u);
  EXPECT_LE(begun_before_oldest, (2 * kWorkers + 2) * kLargestBatch);
}

}  // namespace
}  // namespace valence::jobs
