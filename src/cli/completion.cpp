// Shell completion, made from the tree of commands. Every script walks over the words before the
// cursor to know which command it is in ("/keys/create"), and offers what that one takes.
#include <algorithm>

#include "cli/commands.h"
#include "cli/program.h"

namespace glmgate::cli {
namespace {

enum class Takes : std::uint8_t { nothing, folder, file, other };

Takes takes(const CLI::Option& option) {
  if (!takes_value(option)) return Takes::nothing;
  const std::string type = option.get_type_name();
  return type == "DIR" ? Takes::folder : type == "FILE" ? Takes::file : Takes::other;
}

std::string place(const CLI::App& command) {
  std::string path = full_name(command);
  const std::size_t blank = path.find(' ');
  path = blank == std::string::npos ? std::string() : path.substr(blank);
  std::ranges::replace(path, ' ', '/');
  return path;
}

std::vector<const CLI::App*> with_all_commands(const CLI::App& program) {
  std::vector<const CLI::App*> all{&program};
  std::ranges::copy(all_commands(program), std::back_inserter(all));
  return all;
}

/// Its own options, and those of every command.
std::vector<const CLI::Option*> offered(const CLI::App& command) {
  std::vector<const CLI::Option*> options = options_of(command);
  for (const CLI::App* up = command.get_parent(); up != nullptr; up = up->get_parent())
    std::ranges::copy(options_of(*up), std::back_inserter(options));
  return options;
}

/// "/serve|/keys|/keys/create"
std::string places(const CLI::App& program) {
  std::string text;
  for (const CLI::App* each : all_commands(program))
    text += (text.empty() ? "" : "|") + place(*each);
  return text;
}

/// Options of the whole program with such a value, for a shell's `case`.
std::string options_taking(const CLI::App& program, Takes wanted) {
  std::vector<std::string> names;
  for (const CLI::App* each : with_all_commands(program))
    for (const CLI::Option* option : options_of(*each))
      if (takes(*option) == wanted) names.push_back(shown_name(*option));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "|") + name;
  return text;
}

bool takes_a_file(const CLI::App& command) {
  return std::ranges::any_of(arguments_of(command),
                             [](const CLI::Option* each) { return takes(*each) == Takes::file; });
}

/// In single quotes for bash, zsh and fish.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// What bash and zsh say in their own ways.
struct Wording {
  std::string_view before;  ///< the cursor's word, all of them
  std::string_view last;    ///< of those
  std::string_view folder;  ///< completes with folders, and ends
  std::string_view file;
  std::string_view nothing;
};

/// In `at` the command that the cursor is in; completes the value of an option. To go on with the
/// commands' own cases.
std::string find_place(const CLI::App& program, const Wording& in) {
  std::string out;
  const auto add = [&out](std::initializer_list<std::string_view> pieces) {
    for (const std::string_view each : pieces) out += each;
  };
  add({"  for word in \"", in.before, "\"; do\n    case \"$at/$word\" in\n      "});
  add({places(program), ") at=\"$at/$word\" ;;\n    esac\n  done\n"});
  add({"  case \"", in.last, "\" in\n"});
  add({"    ", options_taking(program, Takes::folder), ") ", in.folder, " ;;\n"});
  add({"    ", options_taking(program, Takes::file), ") ", in.file, " ;;\n"});
  add({"    ", options_taking(program, Takes::other), ") ", in.nothing, " ;;\n"});
  add({"  esac\n  case \"$at\" in\n"});
  return out;
}

std::string bash(const CLI::App& program) {
  std::string out =
      "# bash completion of glmgate: source <(glmgate completion bash)\n"
      "_glmgate() {\n"
      "  local at='' word words='' cur=\"${COMP_WORDS[COMP_CWORD]}\"\n";
  out += find_place(program, {.before = "${COMP_WORDS[@]:1:COMP_CWORD-1}",
                              .last = "${COMP_WORDS[COMP_CWORD-1]}",
                              .folder = "COMPREPLY=($(compgen -d -- \"$cur\")); return",
                              .file = "COMPREPLY=($(compgen -f -- \"$cur\")); return",
                              .nothing = "return"});
  for (const CLI::App* each : with_all_commands(program)) {
    std::string words;
    for (const CLI::App* inner : commands_of(*each)) words += inner->get_name() + " ";
    for (const CLI::Option* option : offered(*each)) words += shown_name(*option) + " ";
    out += "    " + quoted(place(*each)) + ") words=" + quoted(words + "--help") + " ;;\n";
  }
  out += "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n";
  for (const CLI::App* each : all_commands(program))
    if (takes_a_file(*each))
      out += "  [ \"$at\" = " + quoted(place(*each)) +
             " ] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n";
  return out + "  return 0\n}\ncomplete -o filenames -F _glmgate glmgate\n";
}

std::string described(const std::string& name, std::string text) {
  std::ranges::replace(text, ':', ',');  // _describe splits at the colon
  return " " + quoted(name + ":" + text);
}

std::string zsh(const CLI::App& program) {
  std::string out =
      "#compdef glmgate\n"
      "# zsh completion of glmgate: write it to a file _glmgate in a folder of $fpath\n"
      "_glmgate() {\n"
      "  local at='' word\n"
      "  local -a commands options\n";
  out += find_place(program, {.before = "${(@)words[2,CURRENT-1]}",
                              .last = "$words[CURRENT-1]",
                              .folder = "_files -/; return",
                              .file = "_files; return",
                              .nothing = "return 1"});
  for (const CLI::App* each : with_all_commands(program)) {
    std::string commands;
    std::string options;
    for (const CLI::App* inner : commands_of(*each))
      commands += described(inner->get_name(), inner->get_description());
    for (const CLI::Option* option : offered(*each))
      options += described(shown_name(*option), option->get_description());
    out += "    " + quoted(place(*each)) + ")\n      commands=(" + commands +
           " )\n      options=(" + options + " '--help:print the help' )" +
           (takes_a_file(*each) ? "\n      _files" : "") + " ;;\n";
  }
  return out +
         "  esac\n"
         "  (( ${#commands} )) && _describe command commands\n"
         "  _describe -o option options\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _glmgate ]; then _glmgate \"$@\"; else compdef _glmgate "
         "glmgate; "
         "fi\n";
}

std::string fish(const CLI::App& program) {
  std::string spaced = places(program);
  std::ranges::replace(spaced, '|', ' ');
  std::string out =
      "# fish completion of glmgate\n"
      "function __glmgate_at\n"
      "  set -l at ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if contains -- \"$at/$word\" " +
      spaced +
      "\n"
      "      set at \"$at/$word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c glmgate -f\n"
      "complete -c glmgate -s h -l help -d 'print the help'\n";
  for (const CLI::App* each : with_all_commands(program)) {
    const std::string condition =
        each->get_parent() == nullptr ? "" : " -n \"__glmgate_at " + place(*each) + "\"";
    for (const CLI::App* inner : commands_of(*each))
      out += "complete -c glmgate -n \"__glmgate_at '" + place(*each) + "'\" -a " +
             inner->get_name() + " -d " + quoted(inner->get_description()) + "\n";
    for (const CLI::Option* option : options_of(*each)) {
      const Takes kind = takes(*option);
      out += "complete -c glmgate" + condition + " -l " + shown_name(*option).substr(2) +
             (kind == Takes::nothing  ? ""
              : kind == Takes::folder ? " -r -a '(__fish_complete_directories)'"
              : kind == Takes::file   ? " -r -F"
                                      : " -x") +
             " -d " + quoted(option->get_description()) + "\n";
    }
    if (takes_a_file(*each)) out += "complete -c glmgate" + condition + " -F\n";
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& program, Shell shell) {
  switch (shell) {
    case Shell::bash:
      return bash(program);
    case Shell::zsh:
      return zsh(program);
    case Shell::fish:
      return fish(program);
  }
  return {};
}

void add_completion_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("completion", "Print a shell's completion script.");
  auto name = std::make_shared<std::string>();
  command->add_option("shell", *name, "bash, zsh or fish")->required()->type_name("SHELL");
  command->callback([&app, &context, name] {
    constexpr std::pair<const char*, Shell> kShells[] = {
        {"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}};
    for (const auto& [word, shell] : kShells)
      if (*name == word) return void(std::fputs(completion_script(app, shell).c_str(), stdout));
    print_error(make_fault(FaultCode::bad_value,
                           "there is no completion for `" + *name + "`\nhint: bash, zsh or fish"));
    context.exit_code = 2;
  });
}

void add_man_command(CLI::App& app, Context&) {
  app.add_subcommand("man", "Print the manual page.")->callback([&app] {
    std::fputs(man_page(app).c_str(), stdout);
  });
}

}  // namespace glmgate::cli
