#include "jobs/job_state.h"

#include <gtest/gtest.h>

#include <random>

#include "formats/test_support.h"

namespace valence::jobs {
namespace {

using valence::testing::expect_error;
using valence::testing::TemporaryFolder;
using valence::testing::write_file;

JobState some_state() {
  JobState state;
  state.settings = {{"model", "abc"}, {"input", "12 00ff"}, {"format", "jsonl"}, {"odd \"name\"", "\n"}};
  state.position = {1'234'567'890'123, 42, 0xFFFFFFFF};
  state.output_bytes = 99;
  state.rejects_bytes = 7;
  state.summary.rows = 41;
  state.summary.rejected = 1;
  state.summary.tokens = 12345;
  state.summary.labels = {1, 0, 39};
  state.summary.polarity_sum = 0.1 + 0.2;
  state.summary.with_polarity = 40;
  state.summary.truncated = 3;
  state.summary.in_windows = 2;
  state.complete = true;
  return state;
}

TEST(JobState, ComesBackFromItsFileExactly) {
  const JobState state = some_state();
  const JobState back = state_from_json(to_json(state), "the state");
  EXPECT_EQ(back.settings, state.settings);
  EXPECT_EQ(back.position.offset, state.position.offset);
  EXPECT_EQ(back.position.line, state.position.line);
  EXPECT_EQ(back.position.checksum, state.position.checksum);
  EXPECT_EQ(back.output_bytes, state.output_bytes);
  EXPECT_EQ(back.rejects_bytes, state.rejects_bytes);
  EXPECT_EQ(back.summary.labels, state.summary.labels);
  EXPECT_EQ(back.summary.polarity_sum, state.summary.polarity_sum);  // to the last bit
  EXPECT_EQ(back.complete, state.complete);
  EXPECT_EQ(to_json(back), to_json(state));
}

TEST(JobState, ThatIsDamagedIsBadData) {
  const std::string whole = to_json(some_state());
  for (size_t length = 0; length + 1 < whole.size(); ++length) {
    expect_error(ErrorCode::kBadData, "the state",
                 [&] { state_from_json(whole.substr(0, length), "the state"); });
  }
  for (const char* text : {"{}", "[]", "null", "{\"version\":2}", "{\"version\":\"1\"}"}) {
    expect_error(ErrorCode::kBadData, "the state", [&] { state_from_json(text, "the state"); });
  }
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = whole;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      state_from_json(damaged, "the state");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadData);
    }
  }
}

TEST(Difference, NamesTheFirstSettingThatChanged) {
  const JobState before = some_state();
  JobState now = before;
  EXPECT_EQ(difference(before, now), std::nullopt);
  now.position.offset = 0;
  EXPECT_EQ(difference(before, now), std::nullopt);
  now.settings["format"] = "csv";
  EXPECT_EQ(difference(before, now), "the option --format (was jsonl, is csv)");
  now.settings = before.settings;
  now.settings["top-k"] = "2";
  EXPECT_EQ(difference(before, now), "the option --top-k (was not set, is 2)");
  now.settings = before.settings;
  now.settings["input"] = "13 00ff";
  EXPECT_EQ(difference(before, now), "the input");
  now.settings = before.settings;
  now.settings["model"] = "";
  EXPECT_EQ(difference(before, now), "the model or one of its options");
}

TEST(Identity, IsOfTheContent) {
  const TemporaryFolder folder;
  write_file(folder / "a", "some text");
  write_file(folder / "b", "some text");
  write_file(folder / "c", "some tExt");
  EXPECT_EQ(identity_of(folder / "a"), "9 b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2");
  EXPECT_EQ(identity_of(folder / "a"), identity_of(folder / "b"));
  EXPECT_NE(identity_of(folder / "a"), identity_of(folder / "c"));
  EXPECT_EQ(identity_of("/dev/null"), "");
  expect_error(ErrorCode::kNoInput, "cannot open", [&] { identity_of(folder / "absent"); });
}

}  // namespace
}  // namespace valence::jobs
