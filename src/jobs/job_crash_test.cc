// Whatever happens to a job, and whenever: nothing half done under the final names, and --resume ends in the
// bytes of a run to which nothing happened.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <random>

#include "base/error.h"
#include "base/interrupt.h"
#include "jobs/faulty_calls_for_test.h"
#include "jobs/job_for_test.h"
#include "rows/rows_for_test.h"

namespace valence::jobs {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using valence::testing::expect_error;

// Runs `action` in a process of its own; its exit status, or minus the signal that ended it.
template <typename Action>
int in_child(const Action& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 1;
    try {
      status = action();
    } catch (const Error& error) {
      status = exit_status(error.code());
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// A job, and what it gives undisturbed.
class Case {
 public:
  Case(const std::string& input_name, std::string_view input, const std::string& output_name)
      : output_(output_name), rejects_(output_name + ".rejects.jsonl") {
    folder_.write(input_name, input);
    options_ = folder_.job(input_name, output_name);
    options_.checkpoint_every = std::chrono::milliseconds(0);
    set_faults(Faults::Kind::kNone);
    run_job(options_);
    steps_ = faults().steps;
    EXPECT_FALSE(faults().renamed_unsynced);
    whole_ = folder_.read(output_);
    whole_rejects_ = folder_.read(rejects_);
    clear();
  }

  void clear() const {
    for (const std::string& name : folder_.names()) {
      if (name != options_.file.filename()) std::filesystem::remove(folder_.path(name));
    }
  }
  int die_at(int step, bool resume) const {
    return in_child([&] {
      set_faults(Faults::Kind::kDie, step);
      return run(resume);
    });
  }
  int run(bool resume) const {
    JobOptions options = options_;
    options.resume = resume;
    return run_job(options).exit_status;
  }
  // Under a final name there is the whole, or what was there before.
  void expect_nothing_half_done(const std::string& old = "none",
                                const std::string& old_rejects = "none") const {
    if (folder_.has(output_)) {
      EXPECT_THAT(folder_.read(output_), AnyOf(whole_, old));
    }
    if (folder_.has(rejects_)) {
      EXPECT_THAT(folder_.read(rejects_), AnyOf(whole_rejects_, old_rejects));
    }
  }
  void expect_whole() const {
    EXPECT_EQ(folder_.read(output_), whole_);
    EXPECT_EQ(folder_.read(rejects_), whole_rejects_);
    EXPECT_EQ(folder_.names().size(), whole_rejects_.empty() ? 2u : 3u)
        << ::testing::PrintToString(folder_.names());
  }

  Folder folder_;
  JobOptions options_;
  std::string output_, rejects_, whole_, whole_rejects_;
  int steps_;
};

std::string csv_of(int rows, bool with_rejects) {
  std::string text = "id;text\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i) + ";\"text\n" + std::to_string(i * 31 % 97) + "\"\n";
    if (with_rejects && i % 13 == 7) text += "too;many;fields\n";
  }
  return text;
}

TEST(Killed, AtAnyStepTheJobGoesOn) {
  for (const Case& job : {Case("in.txt", some_lines(100), "out.jsonl"),
                          Case("in.csv.gz", rows::gzip(csv_of(60, true)), "out.csv"),
                          Case("in.csv", csv_of(50, false), "out.tsv")}) {
    std::mt19937 random(1);
    for (int step = 0; step < job.steps_; ++step) {
      ASSERT_EQ(job.die_at(step, false), -SIGKILL) << step;
      job.expect_nothing_half_done();
      // Killed again while it goes on.
      job.die_at(static_cast<int>(random() % static_cast<unsigned>(job.steps_)), true);
      job.expect_nothing_half_done();
      job.run(true);
      job.expect_whole();
      if (::testing::Test::HasFailure()) FAIL() << "killed at step " << step << " of " << job.output_;
      job.clear();
    }
  }
}

TEST(Killed, AtAnyStepTheJobStartsAgain) {
  const Case job("in.txt", some_lines(100), "out.jsonl");
  for (int step = 0; step < job.steps_; ++step) {
    ASSERT_EQ(job.die_at(step, false), -SIGKILL) << step;
    job.run(false);
    job.expect_whole();
    if (::testing::Test::HasFailure()) FAIL() << "killed at step " << step;
    job.clear();
  }
}

TEST(Killed, AtAnyStepTheOldOutputIsKeptUntilTheNewOneIsWhole) {
  const Case job("in.txt", some_lines(100), "out.jsonl");
  for (int step = 0; step < job.steps_; ++step) {
    job.folder_.write(job.output_, "old");
    job.folder_.write(job.rejects_, "old rejects");
    ASSERT_EQ(job.die_at(step, false), -SIGKILL) << step;
    EXPECT_TRUE(job.folder_.has(job.output_));
    job.expect_nothing_half_done("old", "old rejects");
    job.run(true);
    job.expect_whole();
    if (::testing::Test::HasFailure()) FAIL() << "killed at step " << step;
  }
}

// From the outside, at any time at all.
TEST(Killed, AtAnyTimeTheJobGoesOn) {
  const Case job("in.csv", csv_of(2000, true), "out.jsonl");
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      set_faults(Faults::Kind::kNone);
      ::_exit(job.run(round % 2 == 1));
    }
    ::usleep(static_cast<useconds_t>(200 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    job.expect_nothing_half_done();
    if (round % 4 == 3) {
      job.run(true);
      job.expect_whole();
    }
  }
}

TEST(Failing, WritesLeaveNothingHalfDoneAndTheJobGoesOn) {
  const Case job("in.txt", some_lines(150), "out.jsonl");
  for (const int error : {ENOSPC, EIO}) {
    for (const auto kind : {Faults::Kind::kFail, Faults::Kind::kFailOnce}) {
      for (int step = 0; step < job.steps_; ++step) {
        set_faults(kind, step, error);
        std::string said;
        try {
          job.run(false);
        } catch (const Error& failure) {
          EXPECT_EQ(failure.code(), ErrorCode::kRuntime) << step;
          said = failure.what();
          EXPECT_THAT(said, HasSubstr(std::strerror(error)));
        }
        EXPECT_FALSE(said.empty() && kind == Faults::Kind::kFail && !job.folder_.has(job.output_)) << step;
        const bool has_state = job.folder_.has(".out.jsonl.valence-state");
        EXPECT_EQ(said.find("--resume goes on") != std::string::npos, has_state) << said;
        job.expect_nothing_half_done();
        set_faults(Faults::Kind::kNone);
        job.run(true);
        job.expect_whole();
        if (::testing::Test::HasFailure()) FAIL() << "failed at step " << step;
        job.clear();
      }
    }
  }
}

TEST(Failing, ShortWritesAreGoneOnWith) {
  const Case job("in.txt", some_lines(150), "out.jsonl");
  set_faults(Faults::Kind::kNone);
  faults().short_writes = true;
  job.run(false);
  set_faults(Faults::Kind::kNone);
  job.expect_whole();
}

TEST(Failing, ALimitOnFilesIsAMessage) {
  const Case job("in.txt", some_lines(2000), "out.jsonl");
  const std::string message = job.folder_.path("message").string();
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{20'000, 20'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      return job.run(false);
    } catch (const Error& error) {
      valence::testing::write_file(message, error.what());
      throw;
    }
  });
  EXPECT_EQ(status, 1);
  EXPECT_THAT(job.folder_.read("message"),
              HasSubstr("File too large; the same command with --resume goes on"));
  std::filesystem::remove(message);
  EXPECT_FALSE(job.folder_.has(job.output_));
  job.run(true);
  job.expect_whole();
}

// The signal comes while batch `batch` is classified.
int interrupt_at(const Case& job, int batch, bool resume, const std::string& message) {
  return in_child([&] {
    install_interrupt_handler();
    std::atomic<int> batches = 0;
    pipeline::FakeClassifier classifier(2, [&](std::span<const std::string_view>, int) {
      if (batches++ == batch) ::kill(::getpid(), SIGINT);
    });
    JobOptions options = job.options_;
    options.resume = resume;
    try {
      return run_job(options, classifier).exit_status;
    } catch (const Error& error) {
      valence::testing::write_file(message, error.what());
      throw;
    }
  });
}

TEST(Interrupted, AJobSaysHowItGoesOnAndDoes) {
  Case job("in.txt", some_lines(1500), "out.jsonl");
  const valence::testing::TemporaryFolder elsewhere;
  const std::string message = (elsewhere / "message").string();
  for (const auto every : {std::chrono::milliseconds(0), std::chrono::milliseconds(1'000'000)}) {
    job.options_.checkpoint_every = every;
    for (const int batch : {0, 1, 3}) {
      EXPECT_EQ(interrupt_at(job, batch, false, message), 130);
      EXPECT_THAT(valence::testing::read_file(message),
                  ::testing::ContainsRegex(
                      "^interrupted after [0-9,]+ rows; the same command with --resume goes on"));
      EXPECT_FALSE(job.folder_.has(job.output_));
      EXPECT_FALSE(job.folder_.has(job.rejects_));
      EXPECT_EQ(interrupt_at(job, 1, true, message), 130);
      EXPECT_EQ(job.run(true), 3);
      job.expect_whole();
      job.clear();
    }
  }
}

TEST(Interrupted, ATableLeavesNothing) {
  Case job("in.txt", some_lines(1500), "out.jsonl");
  job.options_.format = rows::OutputFormat::kTable;
  const valence::testing::TemporaryFolder elsewhere;
  EXPECT_EQ(interrupt_at(job, 2, false, (elsewhere / "message").string()), 130);
  EXPECT_EQ(valence::testing::read_file(elsewhere / "message"), "interrupted");
  EXPECT_THAT(job.folder_.names(), ElementsAre("in.txt"));
}

TEST(Resume, IsRefusedWhenSomethingChangedAndLeavesTheState) {
  Case job("in.txt", some_lines(500), "out.jsonl");
  job.die_at(job.steps_ / 2, false);
  const std::vector<std::string> names = job.folder_.names();
  const std::string state = job.folder_.read(".out.jsonl.valence-state");
  ASSERT_NE(state, "");
  const auto refused = [&](const JobOptions& options, pipeline::FakeClassifier& classifier,
                           const std::string& what) {
    expect_error(ErrorCode::kUsage, what + " has changed since the interrupted run; run without --resume",
                 [&] { run_job(options, classifier); });
    EXPECT_EQ(job.folder_.names(), names);
    EXPECT_EQ(job.folder_.read(".out.jsonl.valence-state"), state);
  };
  pipeline::FakeClassifier same, other;
  other.set_fingerprint("fake-2");
  JobOptions options = job.options_;
  options.resume = true;
  refused(options, other, "the model or one of its options");
  JobOptions changed = options;
  changed.format = rows::OutputFormat::kCsv;
  refused(changed, same, "the option --format (was jsonl, is csv)");
  changed = options;
  changed.logits = true;
  refused(changed, same, "the option --logits (was no, is yes)");
  changed = options;
  changed.top_k = 2;
  refused(changed, same, "the option --top-k (was 0, is 2)");
  const std::string input = job.folder_.read("in.txt");
  job.folder_.write("in.txt", input + "one more\n");
  refused(options, same, "the input");
  std::string other_input = input;
  other_input[3] ^= 1;
  job.folder_.write("in.txt", other_input);
  refused(options, same, "the input");
  // Put right, it goes on.
  job.folder_.write("in.txt", input);
  job.run(true);
  job.expect_whole();
}

TEST(Resume, IsRefusedWhenTheStateIsDamaged) {
  const Case job("in.txt", some_lines(500), "out.jsonl");
  job.die_at(job.steps_ / 2, false);
  const std::string state = job.folder_.read(".out.jsonl.valence-state");
  job.folder_.write(".out.jsonl.valence-state", state.substr(0, state.size() / 2));
  expect_error(ErrorCode::kBadData, "run without --resume to start again", [&] { job.run(true); });
  job.folder_.write(".out.jsonl.valence-state", state);
  job.folder_.write(".out.jsonl.valence-partial", "");
  expect_error(ErrorCode::kBadData, "is not what the state counts", [&] { job.run(true); });
  job.run(false);
  job.expect_whole();
}

TEST(Resume, OfAJobThatWasNotInterruptedRunsItAgain) {
  const Case job("in.txt", some_lines(50), "out.jsonl");
  job.run(true);
  job.expect_whole();
  job.run(true);
  job.expect_whole();
}

TEST(Resume, GoesOnWithTheSameStandardInput) {
  const Case job("in.txt", some_lines(800), "out.jsonl");
  const valence::testing::TemporaryFolder elsewhere;
  const auto run_from = [&](const std::string& input, Faults::Kind kind, bool resume) {
    return in_child([&] {
      const int fd = ::open(input.c_str(), O_RDONLY);
      ::dup2(fd, STDIN_FILENO);
      set_faults(kind, job.steps_ / 2);
      JobOptions options = job.options_;
      options.file = "-";
      options.resume = resume;
      return run_job(options).exit_status;
    });
  };
  const std::string input = job.folder_.path("in.txt").string();
  std::string text = job.folder_.read("in.txt");
  text[10] ^= 1;
  valence::testing::write_file(elsewhere / "other.txt", text);
  EXPECT_EQ(run_from(input, Faults::Kind::kDie, false), -SIGKILL);
  EXPECT_EQ(run_from((elsewhere / "other.txt").string(), Faults::Kind::kNone, true), 2);
  EXPECT_EQ(run_from(input, Faults::Kind::kNone, true), 3);
  job.expect_whole();
}

}  // namespace
}  // namespace valence::jobs
