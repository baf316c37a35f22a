#include "cli/program.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"

namespace glmgate::cli {
namespace {

/// Keys are in this process's memory: no core file is to hold them, and no other program of this
/// user is to read them (promises K: secrets stay where they are).
void keep_memory_private() {
  if (variable("GLMGATE_CORE_DUMPS") == "1") return;
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int wrong_usage(Fault fault) {
  print_error(fault);
  return 2;
}

/// What the parser itself refuses: a value of the wrong type, an option that is required.
Fault explain(const CLI::ParseError& error, const CLI::App& command) {
  return make_fault(FaultCode::bad_value, std::string(error.what()) + "\nhint: `" +
                                              full_name(command) + " --help` tells more");
}

int run_commands(CLI::App& app, Context& context, const std::vector<std::string>& words) {
  const Result<Asked> asked = read_words(app, words);
  if (!asked) return wrong_usage(asked.error());
  if (asked->version) return std::puts("glmgate " GLMGATE_VERSION) < 0 ? 1 : 0;
  if (asked->help) return std::fputs(help_text(*asked->command).c_str(), stdout) < 0 ? 1 : 0;
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // as the parser wants them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return wrong_usage(explain(error, *asked->command));
  } catch (const std::exception& error) {
    return print_error(
        make_fault(FaultCode::internal, std::string("this is a bug in glmgate: ") + error.what()));
  }
  return context.exit_code;
}

}  // namespace

std::unique_ptr<CLI::App> make_commands(Context& context) {
  auto app = std::make_unique<CLI::App>(
      "A self-hosted gateway for the GLM models: one address for every client, every token on the "
      "books.",
      "glmgate");
  app->fallthrough();
  app->add_option("--data", context.data_dir,
                  "data folder (default: $GLMGATE_DATA, `data` of the configuration, or a folder "
                  "of this user)")
      ->type_name("DIR");
  app->add_option("--config", context.config,
                  "configuration file (default: $GLMGATE_CONFIG, or none)")
      ->type_name("FILE")
      ->envname("GLMGATE_CONFIG");
  app->add_flag("--json", context.json, "print for machines, errors too");
  add_serve_command(*app, context);
  add_keys_command(*app, context);
  add_usage_command(*app, context);
  add_sandbox_command(*app, context);
  add_config_command(*app, context);
  add_reload_command(*app, context);
  add_completion_command(*app, context);
  add_man_command(*app, context);
  return app;
}

int run(int argc, char** argv) {
  keep_memory_private();
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (std::ranges::find(words, "--json") != words.end()) print_errors_as_json();
  Context context;
  const auto app = make_commands(context);
  const int code = run_commands(*app, context, words);
  return finish_output() ? code : std::max(code, 1);
}

}  // namespace glmgate::cli
