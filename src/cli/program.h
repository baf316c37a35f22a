// The program as a command line: the tree of commands, its help and its mistakes.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace glmgate::cli {

/// Parses and runs. @return the exit code: 0 done, 1 failed, 2 wrong usage.
int run(int argc, char** argv);

/// All commands. `context` must outlive it.
std::unique_ptr<CLI::App> make_commands(Context& context);

/// What the words ask for, seen before the parser runs any of it.
struct Asked {
  const CLI::App* command = nullptr;  ///< the innermost one named
  bool help = false;
  bool version = false;
};

/// Fault: a word that is no command, option or argument here, with the nearest one that is.
Result<Asked> read_words(const CLI::App& program, const std::vector<std::string>& words);

/// "glmgate keys create".
std::string full_name(const CLI::App& command);
bool takes_value(const CLI::Option& option);
/// "--user" of an option, "ID" of an argument.
std::string shown_name(const CLI::Option& option);
/// The options of a command, without its arguments and --help.
std::vector<const CLI::Option*> options_of(const CLI::App& command);
std::vector<const CLI::Option*> arguments_of(const CLI::App& command);
std::vector<const CLI::App*> commands_of(const CLI::App& command);
/// Every command below, in the order of the help.
std::vector<const CLI::App*> all_commands(const CLI::App& program);

std::string help_text(const CLI::App& command);
std::string man_page(const CLI::App& program);

enum class Shell : std::uint8_t { bash, zsh, fish };
std::string completion_script(const CLI::App& program, Shell shell);

}  // namespace glmgate::cli
