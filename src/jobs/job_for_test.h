// What the tests of whole jobs share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/test_support.h"
#include "jobs/job.h"
#include "pipeline/fake_classifier_for_test.h"

namespace valence::jobs {

// A folder of files for jobs, which are quiet unless they are asked to speak.
class Folder {
 public:
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    valence::testing::write_file(path(name), content);
    return path(name);
  }
  std::string read(const std::string& name) const { return valence::testing::read_file(path(name)); }
  bool has(const std::string& name) const { return std::filesystem::exists(path(name)); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  JobOptions job(const std::string& input, const std::string& output) const {
    JobOptions options;
    options.file = path(input);
    options.output = path(output);
    options.quiet = true;
    return options;
  }

 private:
  valence::testing::TemporaryFolder folder_;
};

inline JobOutcome run_job(const JobOptions& options, pipeline::FakeClassifier& classifier) {
  Job job(options);
  return job.run(classifier);
}

inline JobOutcome run_job(const JobOptions& options) {
  pipeline::FakeClassifier classifier;
  return run_job(options, classifier);
}

// `count` lines of which some cannot be used, and one text that the classifier rejects.
inline std::string some_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i == count / 2) text += "TOO LONG ";
    if (i % 17 != 3) text += "text number " + std::to_string(i * 7919 % 1000);
    if (i % 29 == 5) text += " \xff";
    text += i % 5 == 0 ? "\r\n" : "\n";
  }
  return text;
}

}  // namespace valence::jobs
