#include "run_for_test.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

extern char** environ;

namespace valence::app {
namespace {

// An unnamed file: unlike a pipe it takes any amount while nobody reads.
class ScratchFile {
 public:
  ScratchFile() {
    std::string name = "/tmp/valence-cli-test-XXXXXX";
    fd_ = ::mkstemp(name.data());
    if (fd_ < 0) throw std::runtime_error("mkstemp failed");
    ::unlink(name.c_str());
  }
  ~ScratchFile() { ::close(fd_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  int fd() const { return fd_; }
  void fill(const std::string& text) {
    if (::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("pwrite failed");
    }
  }
  std::string content() const {
    std::string out(static_cast<size_t>(::lseek(fd_, 0, SEEK_END)), '\0');
    if (::pread(fd_, out.data(), out.size(), 0) != static_cast<ssize_t>(out.size())) {
      throw std::runtime_error("pread failed");
    }
    return out;
  }

 private:
  int fd_ = -1;
};

std::vector<std::string> child_environment(const Environment& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!text.starts_with("VALENCE_") && !text.starts_with("HF_")) out.push_back(text);
  }
  for (const auto& [key, value] : more) out.push_back(std::string(key).append("=").append(value));
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Ran run(std::vector<std::string> command, const std::string& input, const Environment& environment) {
  ScratchFile in, out, err;
  in.fill(input);
  std::vector<std::string> variables = child_environment(environment);
  const std::vector<char*> argv = pointers(command), envp = pointers(variables);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in.fd(), STDIN_FILENO);
    ::dup2(out.fd(), STDOUT_FILENO);
    ::dup2(err.fd(), STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child)
    throw std::runtime_error("the program did not start");
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), out.content(), err.content()};
}

}  // namespace

Ran run_valence(const std::vector<std::string>& arguments, const std::string& input,
                const Environment& environment) {
  std::vector<std::string> command{VALENCE_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(std::move(command), input, environment);
}

Ran run_shell(const std::string& line, const Environment& environment) {
  return run({"/bin/bash", "-c", line, VALENCE_BINARY}, "", environment);
}

void expect_refused(const Ran& ran, int status, const std::vector<std::string>& words) {
  EXPECT_EQ(ran.status, status) << ran.err;
  EXPECT_EQ(ran.out, "");
  EXPECT_THAT(ran.err, ::testing::StartsWith("valence: "));
  EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
  EXPECT_THAT(ran.err, ::testing::EndsWith("\n"));
  for (const std::string& word : words) EXPECT_THAT(ran.err, ::testing::HasSubstr(word));
}

std::vector<formats::Json> lines_of(const std::string& text) {
  std::vector<formats::Json> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(formats::Json::parse(text.substr(at, end - at), "output"));
    at = end + 1;
  }
  return out;
}

std::vector<std::string> keys_of(const formats::Json& object) {
  std::vector<std::string> out;
  for (const auto& [key, value] : object.as_object("row")) out.push_back(key);
  return out;
}

std::string text_of(const formats::Json& object, const char* key) {
  const formats::Json* value = object.find(key);
  if (value == nullptr) throw std::runtime_error(std::string("no member ") + key);
  return value->as_string(key);
}

std::string tiny_model(const std::string& name) { return std::string(GOLDENS) + "/" + name; }

}  // namespace valence::app
