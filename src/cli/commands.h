// The commands, one file each. Each adds itself to the parser; its callback leaves its outcome in
// context.exit_code.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/context.h"

namespace glmgate::cli {

void add_serve_command(CLI::App& app, Context& context);
void add_keys_command(CLI::App& app, Context& context);
void add_usage_command(CLI::App& app, Context& context);
void add_sandbox_command(CLI::App& app, Context& context);
void add_config_command(CLI::App& app, Context& context);
void add_reload_command(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);
void add_man_command(CLI::App& app, Context& context);

}  // namespace glmgate::cli
