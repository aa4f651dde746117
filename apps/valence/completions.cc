// valence completions SHELL: a completion script made from the commands themselves, so that it cannot lag
// behind.

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "commands.h"
#include "output.h"

namespace valence::app {
namespace {

using CommandFormatter = std::string (*)(const Command&);

std::string each(const Program& program, CommandFormatter format) {
  std::string out;
  for (const auto& command : program.commands()) out += format(*command);
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// `text` for the inside of single quotes, with a backslash before each of `special`.
std::string quoted(std::string_view text, std::string_view special, std::string_view quote) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += quote;
    } else {
      if (special.find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string spellings(const OptionSpec& option, std::string_view between) {
  return (option.letter ? std::string{'-', option.letter} + std::string(between) : "") + "--" + option.name;
}

// --- bash

std::string bash_values(const Command& command) {
  std::string out;
  for (const OptionSpec& option : command.options()) {
    if (option.value == Value::kNone) continue;
    std::string pattern = command.name() + "/--" + option.name;
    if (option.letter) pattern += "|" + command.name() + "/-" + option.letter;
    out += "    " + pattern + ") ";
    if (!option.choices.empty()) {
      out += "mapfile -t COMPREPLY < <(compgen -W '" + joined(option.choices) + "' -- \"$current\"); ";
    } else if (option.value == Value::kFile || option.value == Value::kFolder) {
      const char* kind = option.value == Value::kFile ? "-f" : "-d";
      out += std::string("mapfile -t COMPREPLY < <(compgen ") + kind + " -- \"$current\"); ";
    }
    out += "return ;;\n";
  }
  return out;
}

std::string bash_options(const Command& command) {
  std::string out = "      " + command.name() + ") options='--help";
  for (const OptionSpec& option : command.options()) out.append(" ").append(spellings(option, " "));
  return out + "' ;;\n";
}

std::string bash(const Program& program) {
  return "# bash completion of valence: source this file, or put it into /etc/bash_completion.d\n"
         "_valence() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
         "command=${COMP_WORDS[1]}\n"
         "  local options=''\n"
         "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W '" +
         each(program, [](const Command& command) { return command.name() + " "; }) +
         "--help --version' -- \"$current\")\n"
         "    return\n"
         "  fi\n"
         "  case $command/$previous in\n" +
         each(program, bash_values) +
         "    completions/completions) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$current\"); "
         "return ;;\n"
         "  esac\n"
         "  if [[ $current == -* ]]; then\n"
         "    case $command in\n" +
         each(program, bash_options) +
         "    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
         "  else\n"
         "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
         "  fi\n"
         "}\n"
         "complete -o filenames -F _valence valence\n";
}

// --- zsh

std::string zsh_text(std::string_view text) { return quoted(text, "[]:\\", "'\\''"); }

std::string zsh_option(const OptionSpec& option) {
  std::string out = " \\\n        ";
  if (option.letter && !option.repeatable) {
    out.append("'(")
        .append(spellings(option, " "))
        .append(")'{")
        .append(spellings(option, ","))
        .append("}'[");
  } else {
    out += std::string("'") + (option.repeatable ? "*" : "") + "--" + option.name + "[";
  }
  out += zsh_text(option.help) + "]";
  if (option.value == Value::kNone) return out + "'";
  out.append(":").append(zsh_text(option.choices.empty() ? option.placeholder : option.name)).append(":");
  if (!option.choices.empty()) {
    out.append("(").append(joined(option.choices)).append(")");
  } else if (option.value == Value::kFile) {
    out += "_files";
  } else if (option.value == Value::kFolder) {
    out += "_files -/";
  }
  return out + "'";
}

std::string zsh_command(const Command& command) {
  std::string out =
      "    " + command.name() + ")\n      _arguments '(- *)'{-h,--help}'[Print this help and exit]'";
  for (const OptionSpec& option : command.options()) out += zsh_option(option);
  if (command.name() == "completions") {
    out += " \\\n        '1:SHELL:(bash zsh fish)'";
  } else if (!command.argument_placeholder().empty()) {
    out += " \\\n        '*:" + zsh_text(command.argument_placeholder()) + ":_files'";
  }
  return out + " ;;\n";
}

std::string zsh(const Program& program) {
  return "#compdef valence\n"
         "# zsh completion of valence: save as _valence in a folder of $fpath, or source it after compinit\n"
         "_valence() {\n"
         "  local -a commands=(\n" +
         each(program,
              [](const Command& command) {
                return "    '" + command.name() + ":" + zsh_text(command.summary()) + "'\n";
              }) +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command commands\n"
         "    return\n"
         "  fi\n"
         "  local command=$words[2]\n"
         "  shift words\n"
         "  (( CURRENT-- ))\n"
         "  case $command in\n" +
         each(program, zsh_command) +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _valence ]]; then _valence \"$@\"; else compdef _valence valence; fi\n";
}

// --- fish

std::string fish_text(std::string_view text) { return quoted(text, "\\", "\\'"); }

std::string fish_command(const Command& command) {
  const std::string when = "complete -c valence -n '__fish_seen_subcommand_from " + command.name() + "'";
  std::string out = "complete -c valence -n __fish_use_subcommand -f -a " + command.name() + " -d '" +
                    fish_text(command.summary()) + "'\n";
  for (const OptionSpec& option : command.options()) {
    out += when + " -l " + option.name;
    if (option.letter) out += std::string(" -s ") + option.letter;
    if (!option.choices.empty()) {
      out += " -x -a '" + joined(option.choices) + "'";
    } else if (option.value == Value::kFile) {
      out += " -r -F";
    } else if (option.value == Value::kFolder) {
      out += " -x -a '(__fish_complete_directories)'";
    } else if (option.value != Value::kNone) {
      out += " -x";
    }
    out += " -d '" + fish_text(option.help) + "'\n";
  }
  if (command.name() == "completions") out += when + " -f -a 'bash zsh fish'\n";
  return out;
}

std::string fish(const Program& program) {
  return "# fish completion of valence: save as ~/.config/fish/completions/valence.fish\n"
         "complete -c valence -s h -l help -d 'Print this help and exit'\n"
         "complete -c valence -n __fish_use_subcommand -l version -d 'Print the version and exit'\n" +
         each(program, fish_command);
}

int completions(const Program& program, const std::string& shell) {
  if (shell == "bash") {
    print(bash(program));
  } else if (shell == "zsh") {
    print(zsh(program));
  } else if (shell == "fish") {
    print(fish(program));
  } else {
    throw Error(ErrorCode::kUsage, "completions: expected one of bash, zsh, fish, got '" + printable(shell) +
                                       "' (see valence completions --help)");
  }
  return 0;
}

}  // namespace

void add_completions(Program& program) {
  auto shell = std::make_shared<std::vector<std::string>>();
  Command& command = program.add("completions", "Print a completion script for bash, zsh or fish",
                                 [&program, shell] { return completions(program, shell->front()); });
  command.arguments(*shell, "SHELL", 1, 1, "bash, zsh or fish");
  command.example("Example:\n  valence completions bash > /etc/bash_completion.d/valence");
}

}  // namespace valence::app
