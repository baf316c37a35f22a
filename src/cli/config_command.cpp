#include <signal.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/data_folder.h"
#include "cli/environment.h"
#include "cli/redact.h"
#include "cli/run_file.h"
#include "cli/startup.h"

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kReloadLimit = 5s;

Result<void> check(Context& context, const std::string& file) {
  if (!file.empty() && !context.config.empty() && file != context.config)
    return fail(FaultCode::bad_value,
                "two configuration files are given: " + file + " and " + context.config +
                    "\nhint: keep one; --config may also come from GLMGATE_CONFIG");
  if (!file.empty()) context.config = file;
  if (context.config.empty())
    return fail(FaultCode::bad_value,
                "no configuration file is given\nhint: glmgate config check FILE");
  const Result<Prepared> prepared = prepare(context, {});
  if (!prepared) return fail(prepared.error());
  const Config& config = prepared->config;
  for (const std::string& each : unknown_variables(config)) print_warning(each);
  const std::size_t upstreams = config.setup.upstreams.size();
  if (context.json)
    std::printf("%s\n", json::serialize(json::object{{"good", true},
                                                     {"config", printable(context.config)},
                                                     {"upstreams", upstreams}})
                            .c_str());
  else
    std::printf("%s: good, %zu upstream%s%s\n", printable(context.config).c_str(), upstreams,
                upstreams == 1 ? "" : "s",
                config.sandbox || upstreams == 0 ? "; the sandbox answers" : "");
  return {};
}

/// The server's own words about the reload after `before`.
Result<RunFile> wait_for_reload(const std::string& data, const RunFile& before) {
  const auto limit = std::chrono::steady_clock::now() + kReloadLimit;
  while (std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(50ms);
    Result<RunFile> now = read_run_file(data);
    if (now && now->pid == before.pid && now->reloads > before.reloads) return now;
  }
  return fail(FaultCode::internal, "the server did not answer within 5 s\nhint: see its log");
}

Result<void> reload(const Context& context) {
  const Result<std::string> data = find_used_folder(context);
  if (!data) return fail(data.error());
  const Result<RunFile> before = read_run_file(*data);
  if (!before) return fail(before.error());
  if (Result<void> told = signal_server(*before, SIGHUP); !told) return told;
  const Result<RunFile> after = wait_for_reload(*data, *before);
  if (!after) return fail(after.error());
  if (!after->reload_error.empty()) {
    constexpr std::string_view kHint = "\nhint: ";
    std::string text = after->reload_error;
    const std::size_t hint = std::min(text.find(kHint), text.size());
    text.insert(hint, "\nThe server goes on with its old configuration.");
    return fail(FaultCode::internal, std::move(text));
  }
  if (context.json)
    std::printf(
        "%s\n",
        json::serialize(json::object{{"reloaded", true}, {"reloads", after->reloads}}).c_str());
  else
    std::printf("reloaded\n");
  return {};
}

/// 2 for what the caller typed, 1 for what is wrong with the file or the server.
void finish(Context& context, const Result<void>& done, int code) {
  if (done) return;
  print_error(done.error());
  context.exit_code = code;
}

}  // namespace

void add_config_command(CLI::App& app, Context& context) {
  CLI::App* config = app.add_subcommand("config", "Look at the configuration.");
  CLI::App* checking = config->add_subcommand(
      "check", "Prepare everything as `serve` would, and say what is wrong. Makes nothing.");
  auto file = std::make_shared<std::string>();
  checking->add_option("file", *file, "the same as --config")->type_name("FILE");
  checking->callback([&context, file] { finish(context, check(context, *file), 1); });
}

void add_reload_command(CLI::App& app, Context& context) {
  app.add_subcommand("reload", "Make the running server read its configuration again.")
      ->callback([&context] { finish(context, reload(context), 1); });
}

}  // namespace glmgate::cli
