#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>

#include "base/error.h"
#include "output.h"

#ifndef VALENCE_VERSION
#error "VALENCE_VERSION comes from CMakeLists.txt"
#endif

namespace valence::app {
namespace {

constexpr const char* kDescription = "Valence: sentiment in every language, from one native program.";

// CLI11 has a meaning of its own for some arguments: "[a,b]" becomes a list, "++" ends a command, "--text="
// takes the next argument, the name of another command starts that one. A user's text must meet none of them.
// So what is no option is marked by a byte in front, which is taken off again by unshielded().
constexpr char kShield = '\x01';

std::vector<std::string> shielded(int argc, const char* const* argv) {
  std::vector<std::string> out;
  bool only_values = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (only_values || argument.empty() || argument[0] != '-' || argument == "-") {
      // The first one is the command.
      out.push_back(out.empty() && !only_values ? argument : kShield + argument);
    } else if (argument == "--") {
      only_values = true;
    } else if (argument.starts_with("--") && equals != std::string::npos && equals + 1 == argument.size()) {
      out.push_back(argument.substr(0, equals));
      out.push_back(std::string(1, kShield));
    } else {
      out.push_back(argument);
    }
  }
  return out;
}

std::string unshielded(const std::string& argument) {
  return !argument.empty() && argument[0] == kShield ? argument.substr(1) : argument;
}

bool to_bool(const std::string& value) {
  for (const char* yes : {"1", "true", "yes", "on"}) {
    if (value == yes) return true;
  }
  for (const char* no : {"0", "false", "no", "off"}) {
    if (value == no) return false;
  }
  throw std::invalid_argument("expected 1 or 0");
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// Levenshtein's distance: insertions, deletions and replacements of single bytes.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// " (did you mean X?)" for the nearest of the known words, or "".
std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  size_t distance = std::min<size_t>(3, word.size() / 2 + 1);
  for (const std::string& candidate : known) {
    const size_t d = edit_distance(word, candidate);
    if (d < distance) distance = d, best = &candidate;
  }
  return best ? "; did you mean " + *best + "?" : "";
}

// For an argument, CLI11's option text holds how the usage line shows it.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    column_width(34);
    label("SUBCOMMAND", "COMMAND");
    label("Positionals", "Arguments");
  }
  std::string make_option_usage(const CLI::Option* option) const override {
    return option->get_option_text();
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_positional() ? "" : CLI::Formatter::make_option_opts(option);
  }
};

}  // namespace

std::string OptionSpec::environment() const {
  std::string out = "VALENCE_";
  for (const char c : name) out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

OptionSpec& Command::add(std::string_view name, Value value, std::string placeholder, std::string help) {
  OptionSpec spec;
  const size_t comma = name.find(',');
  spec.name = name.substr(0, comma);
  if (comma != std::string_view::npos) spec.letter = name[comma + 1];
  spec.value = value;
  spec.placeholder = std::move(placeholder);
  spec.help = std::move(help);
  return options_.emplace_back(std::move(spec));
}

void Command::flag(std::string_view name, bool& value, std::string help) {
  add(name, Value::kNone, "", std::move(help)).store = [&value](const std::string& text) {
    value = to_bool(text);
  };
}

void Command::text(std::string_view name, std::optional<std::string>& value, Value kind,
                   std::string placeholder, std::string help) {
  add(name, kind, std::move(placeholder), std::move(help)).store = [&value](const std::string& text) {
    value = text;
  };
}

void Command::texts(std::string_view name, std::vector<std::string>& values, std::string placeholder,
                    std::string help) {
  OptionSpec& spec = add(name, Value::kWord, std::move(placeholder), std::move(help));
  spec.repeatable = true;
  spec.store = [&values](const std::string& text) { values.push_back(text); };
}

void Command::number(std::string_view name, std::optional<int>& value, int minimum, std::string help) {
  add(name, Value::kNumber, "N", std::move(help)).store = [&value, minimum](const std::string& text) {
    constexpr int kMaximum = 1'000'000;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < minimum || number > kMaximum) {
      throw std::invalid_argument("expected a number from " + std::to_string(minimum) + " to " +
                                  std::to_string(kMaximum));
    }
    value = number;
  };
}

void Command::choice(std::string_view name, std::optional<std::string>& value,
                     std::vector<std::string> choices, std::string help) {
  OptionSpec& spec = add(name, Value::kWord, "", std::move(help));
  for (const std::string& one : choices) spec.placeholder += (spec.placeholder.empty() ? "" : "|") + one;
  spec.choices = choices;
  spec.store = [&value, choices = std::move(choices)](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      throw std::invalid_argument("expected one of " + joined(choices));
    }
    value = text;
  };
}

void Command::arguments(std::vector<std::string>& values, std::string placeholder, size_t minimum,
                        size_t maximum, std::string help) {
  arguments_ = {&values, minimum, maximum, std::move(help)};
  argument_placeholder_ = std::move(placeholder);
}

void Command::mark_as_input(std::string_view name) {
  for (OptionSpec& spec : options_) spec.input |= spec.name == name;
}

void Command::usage_error(const std::string& message) const {
  throw Error(ErrorCode::kUsage, message + " (see valence " + name_ + " --help)");
}

// Tells CLI11 what there is. It only collects: values are judged in take(), where the source is known.
void Command::attach(CLI::App& app) {
  CLI::App* sub = app.add_subcommand(name_, summary_);
  sub->allow_extras();
  sub->set_help_flag("-h,--help", "Print this help and exit");
  for (const OptionSpec& spec : options_) {
    const std::string names = (spec.letter ? std::string{'-', spec.letter, ','} : "") + "--" + spec.name;
    if (spec.value == Value::kNone) {
      sub->add_flag(names, spec.help);
      continue;
    }
    sub->add_option(names, given_[spec.name], spec.help)
        ->option_text(spec.placeholder)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  sub->group("Commands");
  if (arguments_.values) {
    CLI::Option* option = sub->add_option(argument_placeholder_, *arguments_.values, arguments_.help);
    std::string usage = argument_placeholder_ + (arguments_.maximum > 1 ? "..." : "");
    if (arguments_.minimum == 0) usage = std::string("[").append(usage).append("]");
    option->option_text(usage);
  }
  std::string footer;
  for (const std::string& line : examples_) footer += line + "\n";
  if (!options_.empty()) {
    footer += (footer.empty() ? "" : "\n") + std::string("Each option has a twin in the environment: --") +
              options_.front().name + " is " + options_.front().environment() + ".";
  }
  sub->footer(footer);
}

void Command::check_unknown(const std::vector<std::string>& remaining) const {
  if (remaining.empty()) return;
  const std::string& word = remaining.front();
  if (!word.empty() && word[0] == kShield) {
    usage_error(name_ + ": unexpected argument " + printable(unshielded(word)));
  }
  const std::string name = word.substr(0, word.find('='));
  std::vector<std::string> known{"--help"};
  for (const OptionSpec& spec : options_) known.push_back("--" + spec.name);
  std::string hint = suggestion(name, known);
  if (hint.empty() && arguments_.values) hint = "; put -- before an argument that begins with a dash";
  usage_error(name_ + ": unknown option " + printable(name) + hint);
}

// Stores what CLI11 collected, or the environment has for an option that is absent.
void Command::take(CLI::App& app) {
  check_unknown(app.remaining());
  bool has_input = arguments_.values && !arguments_.values->empty();
  for (const OptionSpec& spec : options_) has_input |= spec.input && app.count("--" + spec.name) > 0;
  for (const OptionSpec& spec : options_) {
    const CLI::Option& option = *app.get_option("--" + spec.name);
    std::string source = "--" + spec.name;
    std::vector<std::string> values;
    if (option.count() > 0) {
      for (const std::string& value : option.results()) values.push_back(unshielded(value));
    } else if (const char* variable = std::getenv(spec.environment().c_str());
               variable && *variable && !(spec.input && has_input)) {
      source = spec.environment();
      values = {variable};
    }
    if (values.size() > 1 && !spec.repeatable && spec.value != Value::kNone) {
      usage_error(name_ + ": " + source + " given " + std::to_string(values.size()) +
                  " times, expected once");
    }
    for (const std::string& value : values) try {
        spec.store(value);
      } catch (const std::invalid_argument& wrong) {
        usage_error(name_ + ": " + source + ": " + wrong.what() + ", got '" + printable(value) + "'");
      }
  }
  if (!arguments_.values) return;
  std::vector<std::string>& given = *arguments_.values;
  for (std::string& value : given) value = unshielded(value);
  if (given.size() < arguments_.minimum) usage_error(name_ + ": " + argument_placeholder_ + " is missing");
  if (given.size() > arguments_.maximum) {
    usage_error(name_ + ": unexpected argument " + printable(given[arguments_.maximum]));
  }
}

Command& Program::add(std::string name, std::string summary, std::function<int()> run) {
  commands_.push_back(std::make_unique<Command>(std::move(name), std::move(summary)));
  commands_.back()->run_ = std::move(run);
  return *commands_.back();
}

int Program::run(int argc, const char* const* argv) {
  CLI::App app(kDescription, "valence");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("--version", "valence " VALENCE_VERSION, "Print the version and exit");
  app.footer(
      "Examples:\n"
      "  valence analyze \"I love this\" \"worst day ever\"\n"
      "  valence analyze reviews.csv --text-column review -o labelled.csv\n\n"
      "valence COMMAND --help says more about a command.");
  for (const auto& command : commands_) command->attach(app);
  std::vector<std::string> arguments = shielded(argc, argv);
  std::reverse(arguments.begin(), arguments.end());  // the order that CLI11 takes a vector in
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    print(app.help());
    return 0;
  } catch (const CLI::CallForVersion& version) {
    print(std::string(version.what()) + "\n");
    return 0;
  } catch (const CLI::ParseError& wrong) {
    const std::vector<CLI::App*> begun = app.get_subcommands();
    const std::string command = begun.empty() ? "" : begun.front()->get_name();
    throw Error(ErrorCode::kUsage, (command.empty() ? "" : command + ": ") + printable(wrong.what()) +
                                       " (see valence " + (command.empty() ? "" : command + " ") + "--help)");
  }
  for (const auto& command : commands_) {
    CLI::App* sub = app.get_subcommand(command->name());
    if (!sub->parsed()) continue;
    command->take(*sub);
    return command->run_();
  }
  const std::vector<std::string> remaining = app.remaining();
  if (remaining.empty()) throw Error(ErrorCode::kUsage, "a command is missing (see valence --help)");
  const std::string word = unshielded(remaining.front());
  std::vector<std::string> known{"--help", "--version"};
  for (const auto& command : commands_) known.push_back(command->name());
  throw Error(ErrorCode::kUsage, std::string(word.starts_with("-") ? "unknown option " : "unknown command ") +
                                     printable(word) + suggestion(word, known) + " (see valence --help)");
}

}  // namespace valence::app
