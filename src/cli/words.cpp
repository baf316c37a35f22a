// Words of a command line, judged before the parser sees them: a wrong one is told with what it may
// have meant.
#include <algorithm>
#include <array>

#include "cli/config_section.h"
#include "cli/program.h"

namespace glmgate::cli {
namespace {

/// What people try who come from other programs.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kOtherNames = {
    {{"start", "serve"},
     {"run", "serve"},
     {"server", "serve"},
     {"up", "serve"},
     {"stats", "usage"},
     {"spend", "usage"},
     {"costs", "usage"},
     {"key", "keys"},
     {"token", "keys"},
     {"add", "keys create"},
     {"new", "keys create"},
     {"ls", "keys list"},
     {"delete", "keys revoke"},
     {"remove", "keys revoke"},
     {"rm", "keys revoke"},
     {"validate", "config check"},
     {"test", "config check"},
     {"mock", "sandbox"}}};

const CLI::App* find_command(const CLI::App& at, const std::string& name) {
  const auto commands = commands_of(at);
  const auto found = std::ranges::find(commands, name, &CLI::App::get_name);
  return found == commands.end() ? nullptr : *found;
}

std::string below(const CLI::App& command, std::string_view name) {
  return full_name(command) + " " + std::string(name);
}

/// The command meant by `word`, as it is to be typed; empty if there is no idea.
std::string meant_command(const CLI::App& at, std::string_view word) {
  std::vector<std::string> names;
  for (const CLI::App* each : commands_of(at)) names.push_back(each->get_name());
  if (const std::string near = nearest(word, names); !near.empty()) return below(at, near);
  const CLI::App* program = &at;
  while (program->get_parent() != nullptr) program = program->get_parent();
  for (const CLI::App* each : all_commands(*program))
    if (each->get_name() == word) return full_name(*each);
  for (const auto& [other, ours] : kOtherNames) {
    if (word != other) continue;
    const std::string typed = below(*program, ours);
    if (typed.starts_with(full_name(at))) return typed;
  }
  return {};
}

std::unexpected<Fault> wrong(const CLI::App& at, const std::string& what, const std::string& hint) {
  return fail(FaultCode::bad_value,
              what + "\nhint: " +
                  (hint.empty() ? "`" + full_name(at) + " --help` tells what there is" : hint));
}

std::unexpected<Fault> wrong_command(const CLI::App& at, const std::string& word) {
  const std::string meant = meant_command(at, word);
  return wrong(at, "there is no command `" + below(at, word) + "`",
               meant.empty() ? "" : "did you mean `" + meant + "`?");
}

/// An option of the command or of those above it.
const CLI::Option* find_option(const CLI::App& command, const std::string& name) {
  for (const CLI::App* each = &command; each != nullptr; each = each->get_parent())
    if (const CLI::Option* found = each->get_option_no_throw(name); found != nullptr) return found;
  return nullptr;
}

std::unexpected<Fault> wrong_option(const CLI::App& at, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::App* each = &at; each != nullptr; each = each->get_parent())
    for (const CLI::Option* option : options_of(*each)) names.push_back(shown_name(*option));
  const std::string near = nearest(name, names);
  if (!near.empty())
    return wrong(at, "`" + full_name(at) + "` has no option `" + name + "`",
                 "did you mean `" + near + "`?");
  const CLI::App* program = &at;
  while (program->get_parent() != nullptr) program = program->get_parent();
  for (const CLI::App* each : all_commands(*program))
    if (each->get_option_no_throw(name) != nullptr)
      return wrong(at, "`" + full_name(at) + "` has no option `" + name + "`",
                   "`" + full_name(*each) + "` has one");
  return wrong(at, "`" + full_name(at) + "` has no option `" + name + "`", "");
}

std::string commands_text(const CLI::App& at) {
  std::string text;
  const auto commands = commands_of(at);
  for (std::size_t i = 0; i < commands.size(); ++i)
    text += (i == 0 ? "" : i + 1 == commands.size() ? " or " : ", ") + commands[i]->get_name();
  return text;
}

/// `help keys create`.
Result<Asked> read_help(const CLI::App& program, const std::vector<std::string>& words) {
  Asked asked{.command = &program, .help = true};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with('-')) continue;
    const CLI::App* next = find_command(*asked.command, words[i]);
    if (next == nullptr) return wrong_command(*asked.command, words[i]);
    asked.command = next;
  }
  return asked;
}

/// Walks over the words once.
class Walk {
 public:
  Walk(const CLI::App& program, const std::vector<std::string>& words) : words_(words) {
    asked_.command = &program;
  }

  Result<Asked> read() {
    for (; at_ < words_.size() && words_[at_] != "--"; ++at_) {
      const std::string& word = words_[at_];
      const bool is_option = word.size() > 1 && word.starts_with('-');
      if (Result<void> good = is_option ? option(word) : plain(word); !good)
        return fail(good.error());
    }
    const CLI::App& command = *asked_.command;
    if (!asked_.help && !asked_.version && !commands_of(command).empty())
      return wrong(command, "`" + full_name(command) + "` needs a command",
                   commands_text(command) + "; `" + full_name(command) + " --help` tells more");
    return asked_;
  }

 private:
  Result<void> option(const std::string& word) {
    const CLI::App& command = *asked_.command;
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    if (name == "-h" || name == "--help") {
      asked_.help = true;
      return {};
    }
    if (name == "--version" || name == "-V" || name == "-v") {
      asked_.version = true;
      return {};
    }
    const CLI::Option* found = find_option(command, name);
    if (found == nullptr) return wrong_option(command, name);
    if (!takes_value(*found) || equals != std::string::npos) return {};
    if (at_ + 1 == words_.size())
      return wrong(command, "`" + name + "` needs a value", name + " " + found->get_type_name());
    ++at_;
    return {};
  }

  Result<void> plain(const std::string& word) {
    const CLI::App& command = *asked_.command;
    if (const CLI::App* next = find_command(command, word); next != nullptr) {
      asked_.command = next;
      return {};
    }
    if (!commands_of(command).empty()) return wrong_command(command, word);
    if (++arguments_ > arguments_of(command).size())
      return wrong(command,
                   "`" + full_name(command) + "` does not know what to do with `" + word + "`", "");
    return {};
  }

  const std::vector<std::string>& words_;
  std::size_t at_ = 0;
  std::size_t arguments_ = 0;
  Asked asked_;
};

}  // namespace

std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr
             ? command.get_name()
             : full_name(*command.get_parent()) + " " + command.get_name();
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string shown_name(const CLI::Option& option) {
  if (option.get_positional()) return option.get_type_name();
  return option.get_lnames().empty() ? "-" + option.get_snames().front()
                                     : "--" + option.get_lnames().front();
}

std::vector<const CLI::Option*> options_of(const CLI::App& command) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* each : command.get_options())
    if (!each->get_positional() && each != command.get_help_ptr()) options.push_back(each);
  return options;
}

std::vector<const CLI::Option*> arguments_of(const CLI::App& command) {
  std::vector<const CLI::Option*> arguments;
  for (const CLI::Option* each : command.get_options())
    if (each->get_positional()) arguments.push_back(each);
  return arguments;
}

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

std::vector<const CLI::App*> all_commands(const CLI::App& program) {
  std::vector<const CLI::App*> all;
  for (const CLI::App* each : commands_of(program)) {
    all.push_back(each);
    std::ranges::copy(all_commands(*each), std::back_inserter(all));
  }
  return all;
}

Result<Asked> read_words(const CLI::App& program, const std::vector<std::string>& words) {
  if (words.empty()) return Asked{.command = &program, .help = true};
  if (words.front() == "help") return read_help(program, words);
  if (words.front() == "version") return Asked{.command = &program, .version = true};
  return Walk(program, words).read();
}

}  // namespace glmgate::cli
