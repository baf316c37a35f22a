#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/redact.h"
#include "cli/startup.h"
#include "net/address.h"
#include "net/server.h"
#include "sandbox/sandbox.h"

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

struct Flags {
  std::string listen = "127.0.0.1:4561";
  std::uint64_t seed = 1;
  std::string first_token = "0s";
  int rate = 0;
  std::string key_env;
};

Result<sandbox::Settings> read_settings(const Flags& flags) {
  sandbox::Settings settings{.seed = flags.seed, .tokens_per_second = flags.rate};
  const auto first_token = read_duration(flags.first_token);
  if (!first_token)
    return fail(FaultCode::bad_value, "`--first-token`: " + first_token.error().for_client);
  settings.first_token = *first_token;
  if (flags.key_env.empty()) return settings;
  if (!is_variable_name(flags.key_env) || looks_like_key(flags.key_env))
    return fail(FaultCode::bad_value,
                "`--key-env` takes the NAME of a variable; this looks like the key itself\n"
                "hint: export SANDBOX_KEY=... and say --key-env SANDBOX_KEY");
  const char* key = std::getenv(flags.key_env.c_str());
  if (key == nullptr || *key == '\0')
    return fail(FaultCode::bad_value, "`--key-env`: the variable " + flags.key_env + " is not set");
  settings.required_key = key;
  return settings;
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

/// Serves until SIGTERM or SIGINT; what runs then has five seconds to end.
Result<void> serve(const Flags& flags, bool json) {
  const Result<sandbox::Settings> settings = read_settings(flags);
  if (!settings) return fail(settings.error());
  const Result<net::ListenAddress> listen = net::read_listen_address(flags.listen);
  if (!listen) return fail(listen.error());
  const auto sockets = net::listen_on(*listen, 1);
  if (!sockets)
    return fail(FaultCode::bad_value, "cannot listen on " + flags.listen + ": " + sockets.error() +
                                          "\nhint: --listen 127.0.0.1:0 takes a free port");
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before the worker's thread is made: it inherits it
  ::signal(SIGPIPE, SIG_IGN);

  const std::string address = net::local_address(sockets->front());
  net::Worker worker(0);
  sandbox::Sandbox sandbox(*settings);
  net::ServerCounts counts;
  net::Server server(
      worker, net::ServerOptions{}, [&sandbox](net::Call& call) { return sandbox.handle(call); },
      sandbox::page_for, counts);
  server.listen(sockets->front());
  std::thread thread([&worker] { worker.run(); });
  std::fprintf(
      stderr, "sandbox: no model is called; bases are /api/paas/v4, /api/coding/paas/v4 and /v1\n");
  if (json)
    std::printf("{\"listening\":\"http://%s\"}\n", address.c_str());
  else
    std::printf("listening on http://%s\n", address.c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&set, &signal);
  worker.post([&server] { server.drain(); });
  const auto give_up = std::chrono::steady_clock::now() + 5s;
  while (!counts.is_over() && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(10ms);
  worker.post([&server] { server.cut(); });
  const auto cut_limit = std::chrono::steady_clock::now() + 1s;
  while (counts.calls.load() > 0 && std::chrono::steady_clock::now() < cut_limit)
    std::this_thread::sleep_for(10ms);
  worker.stop();
  thread.join();
  worker.end();  // before what its coroutines refer to
  return {};
}

}  // namespace

void add_sandbox_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "sandbox", "Run the emulated Z.AI alone, as an upstream for other programs.");
  auto flags = std::make_shared<Flags>();
  command
      ->add_option("--listen", flags->listen,
                   "address (default 127.0.0.1:4561; port 0: a free one)")
      ->type_name("HOST:PORT");
  command
      ->add_option("--seed", flags->seed, "same seed, same conversation: same answer (default 1)")
      ->type_name("N");
  command
      ->add_option("--first-token", flags->first_token,
                   "silence before the first token, e.g. 300ms")
      ->type_name("TIME");
  command->add_option("--rate", flags->rate, "tokens a second (default 0: as fast as possible)")
      ->type_name("N")
      ->check(CLI::Range(0, 1'000'000).description(""));
  command
      ->add_option("--key-env", flags->key_env,
                   "the only key let in is the value of this variable (default: any)")
      ->type_name("NAME");
  command->callback([&context, flags] {
    const Result<void> served = serve(*flags, context.json);
    if (!served) context.exit_code = print_error(served.error());
  });
}

}  // namespace glmgate::cli
