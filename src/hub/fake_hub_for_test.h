// Starts fake_hub.py for a test and reads what it was asked.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "formats/test_support.h"
#include "hub/hub.h"

namespace valence::hub::testing {

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

class FakeHub {
 public:
  explicit FakeHub(const std::filesystem::path& log) : log_(log) {
    int to_child[2], from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) throw std::runtime_error("pipe failed");
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(to_child[0], STDIN_FILENO);
      ::dup2(from_child[1], STDOUT_FILENO);
      for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
      ::execl(PYTHON, PYTHON, "-ISB", FAKE_HUB, log.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    stdin_ = to_child[1];
    stdout_ = from_child[0];
    endpoint_ = read_line();
  }
  ~FakeHub() {
    ::close(stdin_);
    ::close(stdout_);
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  FakeHub(const FakeHub&) = delete;
  FakeHub& operator=(const FakeHub&) = delete;

  const std::string& endpoint() const { return endpoint_; }

  void forget() {
    if (::write(stdin_, "\n", 1) != 1 || read_line() != "forgotten")
      throw std::runtime_error("fake_hub.py ended");
  }

  // The requests so far: method, server, path, range, whether a token came along.
  std::vector<std::string> requests() const {
    std::istringstream log(valence::testing::read_file(log_));
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) lines.push_back(line);
    return lines;
  }
  // How many of them hold all of these parts.
  size_t count(const std::vector<std::string>& parts) const {
    const auto all = requests();
    return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const std::string& line) {
      return std::all_of(parts.begin(), parts.end(),
                         [&](const std::string& part) { return line.find(part) != std::string::npos; });
    }));
  }

 private:
  std::string read_line() const {
    std::string line;
    for (char c; ::read(stdout_, &c, 1) == 1 && c != '\n';) line += c;
    if (line.empty()) throw std::runtime_error("fake_hub.py did not start");
    return line;
  }

  std::filesystem::path log_;
  pid_t child_ = 0;
  int stdin_ = -1, stdout_ = -1;
  std::string endpoint_;
};

// A hub, an empty cache, and options that do not wait long. The hub serves all tests of a suite.
class HubTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    log_folder_ = std::make_unique<valence::testing::TemporaryFolder>();
    server_ = std::make_unique<FakeHub>(log_folder_->path() / "log");
  }
  static void TearDownTestSuite() {
    server_.reset();
    log_folder_.reset();
  }
  HubTest() : hub_(*server_) {
    hub_.forget();
    ::unsetenv("http_proxy");
    options_.endpoint = hub_.endpoint();
    options_.cache = folder_ / "hub";
    options_.stall_limit = std::chrono::seconds(1);
    options_.retry_delay = std::chrono::milliseconds(1);
  }
  std::filesystem::path repository(const std::string& name) const {
    return options_.cache / ("models--org--" + name);
  }
  std::filesystem::path snapshot(const std::string& name) const {
    return repository(name) / "snapshots" / kCommit;
  }
  Snapshot pull_from(const std::string& name, const ProgressCallback& progress = {}) const {
    return pull(parse_repository("org/" + name), options_, progress);
  }

  inline static std::unique_ptr<valence::testing::TemporaryFolder> log_folder_;
  inline static std::unique_ptr<FakeHub> server_;
  valence::testing::TemporaryFolder folder_;
  FakeHub& hub_;
  HubOptions options_;
};

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace valence::hub::testing
