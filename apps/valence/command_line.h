// The commands of the program and what each takes from its command line and environment.
//
// A thin layer over CLI11, which appears in command_line.cc alone. What it adds: each option has the
// environment twin VALENCE_<OPTION>; every mistake is one line that names the option or the variable; the
// texts of users reach a command as they were typed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace valence::app {

// What a command's value is, for help and for completion in a shell.
enum class Value { kNone, kWord, kNumber, kFile, kFolder };

struct OptionSpec {
  std::string name;  // "text-column"
  char letter = 0;   // 'o' for -o, 0 for none
  Value value = Value::kNone;
  std::string placeholder;           // "NAME"
  std::vector<std::string> choices;  // the only values allowed, if any
  std::string help;
  bool repeatable = false;
  bool input = false;  // says what the command works on
  // Stores one value. Throws std::invalid_argument that says what was expected.
  std::function<void(const std::string&)> store;

  std::string environment() const;  // "VALENCE_TEXT_COLUMN"
};

class Command {
 public:
  Command(std::string name, std::string summary) : name_(std::move(name)), summary_(std::move(summary)) {}

  // `name` is "quiet", or "output,o" with a letter. The variables are left as they are when the option is
  // absent; they must live as long as the command.
  void flag(std::string_view name, bool& value, std::string help);
  void text(std::string_view name, std::optional<std::string>& value, Value kind, std::string placeholder,
            std::string help);
  void texts(std::string_view name, std::vector<std::string>& values, std::string placeholder,
             std::string help);
  void number(std::string_view name, std::optional<int>& value, int minimum, std::string help);
  void choice(std::string_view name, std::optional<std::string>& value, std::vector<std::string> choices,
              std::string help);
  // Arguments that are no options: any number between the limits.
  void arguments(std::vector<std::string>& values, std::string placeholder, size_t minimum, size_t maximum,
                 std::string help);
  // The option says, as the arguments do, what the command works on: its variable counts only when neither an
  // argument nor another such option is on the command line.
  void mark_as_input(std::string_view name);
  // One more line at the end of the help.
  void example(std::string line) { examples_.push_back(std::move(line)); }

  const std::string& name() const { return name_; }
  const std::string& summary() const { return summary_; }
  const std::vector<OptionSpec>& options() const { return options_; }
  const std::string& argument_placeholder() const { return argument_placeholder_; }

 private:
  friend class Program;
  struct Arguments {
    std::vector<std::string>* values = nullptr;
    size_t minimum = 0, maximum = 0;
    std::string help;
  };
  OptionSpec& add(std::string_view name, Value value, std::string placeholder, std::string help);
  void attach(CLI::App& app);
  void take(CLI::App& app);
  void check_unknown(const std::vector<std::string>& remaining) const;
  [[noreturn]] void usage_error(const std::string& message) const;

  std::string name_, summary_, argument_placeholder_;
  std::vector<OptionSpec> options_;
  std::vector<std::string> examples_;
  Arguments arguments_;
  std::function<int()> run_;
  std::map<std::string, std::vector<std::string>> given_;  // by option name
};

class Program {
 public:
  // Adds a command; `run` returns the exit status and is called after its options are set.
  Command& add(std::string name, std::string summary, std::function<int()> run);
  const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }

  // Parses, runs the command and returns its exit status. Errors: kUsage, and those of the command.
  int run(int argc, const char* const* argv);

 private:
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace valence::app
