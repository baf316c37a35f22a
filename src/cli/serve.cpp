#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/data_folder.h"
#include "cli/descriptors.h"
#include "cli/environment.h"
#include "cli/idle_memory.h"
#include "cli/redact.h"
#include "cli/run_file.h"
#include "cli/startup.h"
#include "gateway/gateway.h"
#include "gateway/process.h"
#include "net/address.h"
#include "net/server.h"
#include "sandbox/sandbox.h"

namespace glmgate::cli {
namespace {

using namespace std::chrono_literals;

/// The built-in sandbox behind a private loopback port, and the upstream that leads to it.
class PrivateSandbox {
 public:
  static Result<std::unique_ptr<PrivateSandbox>> start(net::Worker& worker,
                                                       const SandboxConfig& settings,
                                                       const std::string& key) {
    const auto sockets = net::listen_on({.host = "127.0.0.1", .port = 0}, 1);
    if (!sockets) return fail(FaultCode::internal, "the sandbox cannot listen: " + sockets.error());
    const int fd = sockets->front();
    auto self = std::unique_ptr<PrivateSandbox>(new PrivateSandbox(worker, settings, key));
    self->url_ = "http://" + net::local_address(fd) + "/api/paas/v4";
    self->server_->listen(fd);
    return self;
  }

  const std::string& url() const { return url_; }

 private:
  PrivateSandbox(net::Worker& worker, const SandboxConfig& settings, const std::string& key)
      : sandbox_({.seed = settings.seed,
                  .first_token = settings.first_token,
                  .tokens_per_second = settings.tokens_per_second,
                  .required_key = key}) {
    server_ = std::make_unique<net::Server>(
        worker, net::ServerOptions{}, [this](net::Call& call) { return sandbox_.handle(call); },
        gateway::GatewayWorker::page_for, counts_);
  }

  sandbox::Sandbox sandbox_;
  net::ServerCounts counts_;
  std::unique_ptr<net::Server> server_;
  std::string url_;
};

/// One thread with its loop, its part of the gateway and its server.
struct Lane {
  explicit Lane(int index) : worker(index) {}
  net::Worker worker;
  std::unique_ptr<net::Server> server;
  std::thread thread;
};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT}) sigaddset(&set, each);
  return set;
}

/// @return whether one of `set` came within `at_most`.
bool wait_for_signal(const sigset_t& set, std::chrono::milliseconds at_most) {
  const timespec span{.tv_sec = at_most.count() / 1000,
                      .tv_nsec = at_most.count() % 1000 * 1'000'000};
  return at_most.count() > 0 && sigtimedwait(&set, nullptr, &span) > 0;
}

class Service {
 public:
  explicit Service(Context& context) : context_(context) {}
  ~Service() { end(); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  int run(const ServeFlags& flags);

 private:
  Result<void> prepare(const ServeFlags& flags);
  Result<void> make_setup();
  Result<void> listen();
  Result<void> listen_for_metrics(Lane& lane, gateway::GatewayWorker& worker);
  Result<void> welcome();
  void start();
  void wait_for_signals();
  void reload();
  void drain();
  void end();
  /// Runs `task` on each worker, and waits until it has run.
  void on_each_lane(const std::function<void(Lane&)>& task);
  enum class Until : std::uint8_t { done, late, signalled };
  Until wait_until_idle(std::chrono::milliseconds at_most);
  std::string first_address() const;

  Context& context_;
  ServeFlags flags_;
  Config config_;
  std::unique_ptr<net::TlsContext> tls_;
  std::unique_ptr<accounts::Ledger> ledger_;
  net::ServerCounts metrics_counts_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<PrivateSandbox> sandbox_;
  std::string sandbox_key_;
  std::shared_ptr<const gateway::Setup> setup_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<net::Server> metrics_server_;  ///< on the first lane
  RunFile run_;
  IdleMemory idle_memory_;
};

/// What an answer is worth that nobody is left to settle. An upstream that is gone from the
/// configuration has no currency: unpriced.
accounts::Pricing pricing(const gateway::SetupConfig& setup) {
  std::map<std::string, const gateway::Provider*, std::less<>> providers;
  for (const gateway::UpstreamConfig& each : setup.upstreams)
    providers.emplace(each.name, &gateway::provider(each.provider));
  return [prices = accounts::PriceBook(setup.prices), providers = std::move(providers)](
             std::string_view upstream, std::string_view model, const Usage& usage, UtcMillis at) {
    const auto found = providers.find(upstream);
    if (found == providers.end()) {
      accounts::Quote unknown = prices.quote(model, Currency::usd, usage, at);
      unknown.cost = unknown.list = std::nullopt;
      return unknown;
    }
    const gateway::Provider& provider = *found->second;
    return prices.quote(model, provider.currency, usage, at, gateway::billing(provider));
  };
}

/// Which providers were made of which variables, and what is odd about their keys.
void introduce(const gateway::Setup& setup) {
  if (!setup.sandbox_only())
    std::fprintf(stderr, "upstreams: %s\n", gateway::list_upstreams(setup).c_str());
  for (const gateway::Upstream& each : setup.upstreams)
    for (const std::string& note : each.config.key_notes) {
      std::fprintf(stderr, "note: upstream %s: %s\n", each.config.name.c_str(), note.c_str());
      log::write(log::Level::warn, "key", {{"upstream", each.config.name}, {"note", note}});
    }
}

Result<void> Service::make_setup() {
  if (sandbox_) point_at_sandbox(config_, sandbox_->url(), sandbox_key_);
  auto setup = cli::make_setup(config_, nullptr);
  if (!setup) return fail(setup.error());
  setup_ = std::move(*setup);
  return {};
}

Result<void> Service::prepare(const ServeFlags& flags) {
  flags_ = flags;
  Result<Prepared> prepared = cli::prepare(context_, flags);
  if (!prepared) return fail(prepared.error());
  config_ = std::move(prepared->config);
  tls_ = std::move(prepared->tls);
  config_.server.tls = tls_.get();
  context_.data_dir = config_.data;
  for (const std::string& each : unknown_variables(config_)) print_warning(each);
  log::open(config_.log_level);
  log::set_format(config_.log_format);
  heed_descriptors(config_);
  auto ledger = accounts::open_ledger({.data_dir = config_.data,
                                       .durability = config_.durability,
                                       .max_holds = config_.max_holds,
                                       .price = pricing(config_.setup)},
                                      system_clock());
  if (!ledger) return fail(ledger.error());
  ledger_ = std::move(*ledger);
  for (std::uint32_t i = 0; i < config_.workers; ++i)
    lanes_.push_back(std::make_unique<Lane>(static_cast<int>(i)));
  if (needs_sandbox(config_)) {
    if (config_.sandbox || config_.setup.upstreams.empty())
      std::fprintf(
          stderr, "sandbox: %s; answers come from the built-in sandbox, and no model is called\n",
          config_.sandbox ? "as asked" : "no provider key found (ZAI_API_KEY and its kin)");
    sandbox_key_ = secret_base62(32);
    auto sandbox =
        PrivateSandbox::start(lanes_.front()->worker, config_.sandbox_settings, sandbox_key_);
    if (!sandbox) return fail(sandbox.error());
    sandbox_ = std::move(*sandbox);
  }
  Result<void> made = make_setup();
  if (made) introduce(*setup_);
  return made;
}

/// /metrics and health on an address of their own: who scrapes need not reach the clients' one.
Result<void> Service::listen_for_metrics(Lane& lane, gateway::GatewayWorker& worker) {
  const Result<net::ListenAddress> address = net::read_listen_address(config_.metrics_listen);
  if (!address) return fail(address.error());
  const auto sockets = net::listen_on(*address, 1);
  if (!sockets)
    return fail(FaultCode::bad_value, "cannot listen on " + config_.metrics_listen +
                                          " (metrics.listen): " + sockets.error() +
                                          "\nhint: is something else listening there?");
  net::ServerOptions options = config_.server;
  options.tls = nullptr;
  options.max_connections = 100;
  metrics_server_ = std::make_unique<net::Server>(
      lane.worker, options, [&worker](net::Call& call) { return worker.handle_metrics(call); },
      gateway::GatewayWorker::page_for, metrics_counts_);
  metrics_server_->listen(sockets->front());
  gateway_->metrics_apart = true;
  std::fprintf(stderr, "metrics: http://%s/metrics\n",
               net::local_address(sockets->front()).c_str());
  return {};
}

Result<void> Service::listen() {
  gateway_ = std::make_unique<gateway::Gateway>(*ledger_, system_clock(), setup_);
  const Result<net::ListenAddress> address = net::read_listen_address(config_.listen);
  if (!address) return fail(address.error());
  const auto sockets = net::listen_on(*address, lanes_.size());
  if (!sockets)
    return fail(
        FaultCode::bad_value,
        "cannot listen on " + config_.listen + ": " + sockets.error() +
            "\nhint: is another server running there? --listen 127.0.0.1:0 takes a free port");
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    gateway::GatewayWorker& worker = gateway_->add_worker(lane.worker);
    lane.server = std::make_unique<net::Server>(
        lane.worker, config_.server, [&worker](net::Call& call) { return worker.handle(call); },
        [&worker](std::string_view path, const net::Headers& headers, const Fault& fault) {
          return worker.refusal_of(path, headers, fault);
        },
        gateway_->counts);
    lane.server->listen((*sockets)[i]);
    if (i > 0 || config_.metrics_listen.empty()) continue;
    if (Result<void> apart = listen_for_metrics(lane, worker); !apart) return apart;
  }
  run_ = this_process();
  run_.address = (tls_ ? "https://" : "http://") + net::local_address(sockets->front());
  if (!context_.config.empty()) {
    std::error_code ignored;
    run_.config = std::filesystem::absolute(context_.config, ignored).string();
  }
  return write_run_file(config_.data, run_);
}

/// The server's address as one who stands beside it may call it.
std::string Service::first_address() const {
  const std::string bound = run_.address.substr(run_.address.find("//") + 2);
  std::string host(net::host_of(bound));
  const bool any = host == "0.0.0.0" || host == "::";
  const std::string port = bound.substr(bound.rfind(':'));
  if (tls_ && !tls_->certificate_name().empty())
    return "https://" + tls_->certificate_name() + port;
  if (any) return (tls_ ? "https://localhost" : "http://127.0.0.1") + port;
  return run_.address;
}

/// The first start makes an administrator's key, and shows it this once.
Result<void> Service::welcome() {
  const auto keys = ledger_->keys();
  if (keys && keys->size() > 0) {
    const Result<std::string> usual = find_data_folder({}, {});
    const bool is_usual = usual && *usual == config_.data;
    std::fprintf(stderr, "%zu %s; `glmgate keys create --user NAME%s%s` makes another\n",
                 keys->size(), keys->size() == 1 ? "key" : "keys", is_usual ? "" : " --data ",
                 is_usual ? "" : config_.data.c_str());
    return {};
  }
  auto books = accounts::open_books(config_.data, system_clock());
  if (!books) return fail(books.error());
  const Result<accounts::NewKey> key = (*books)->create_key("admin", "", 0);
  if (!key) return fail(key.error());
  std::fprintf(
      stderr,
      "First start: made the data folder %s and one key, shown only now:\n\n  %s\n\nTry it:\n\n"
      "  curl %s/v1/chat/completions -H 'authorization: Bearer %s' -H 'content-type: "
      "application/json' "
      "-d '{\"model\":\"glm-4.7\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]}'\n\n",
      config_.data.c_str(), key->text.reveal().c_str(), first_address().c_str(),
      key->text.reveal().c_str());
  ledger_->notice_keys();  // so that the curl line works at once
  return {};
}

void Service::start() {
  for (const auto& lane : lanes_)
    lane->thread = std::thread([&worker = lane->worker] { worker.run(); });
  if (context_.json)
    std::printf("%s\n", json::serialize(json::object{{"listening", run_.address}}).c_str());
  else
    std::printf("listening on %s\n", run_.address.c_str());
  std::fflush(stdout);
  log::write(log::Level::info, "start",
             {{"address", run_.address},
              {"workers", lanes_.size()},
              {"upstreams", gateway::list_upstreams(*setup_)}});
}

void Service::reload() {
  ++run_.reloads;
  run_.reload_error.clear();
  Result<Config> fresh = load(context_, flags_);
  if (fresh) {
    if (sandbox_) {
      point_at_sandbox(*fresh, sandbox_->url(), sandbox_key_);
    } else if (needs_sandbox(*fresh)) {
      fresh = fail(FaultCode::bad_value,
                   "the new configuration needs the sandbox, which was not started\n"
                   "hint: restart the server");
    }
  }
  Result<std::unique_ptr<net::TlsContext>> tls =
      fresh ? load_tls(*fresh) : Result<std::unique_ptr<net::TlsContext>>();
  if (fresh && !tls) fresh = fail(tls.error());
  if (fresh && (*tls != nullptr) != (tls_ != nullptr))
    fresh = fail(FaultCode::bad_value,
                 "TLS is switched on or off with a restart only\nhint: restart the server");
  Result<std::shared_ptr<const gateway::Setup>> setup =
      fresh ? cli::make_setup(*fresh, setup_.get()) : fail(fresh.error());
  if (setup) {
    if (tls_) tls_->become(**tls);
    setup_ = std::move(*setup);
    gateway_->replace_setup(setup_);
    ledger_->replace_pricing(pricing(setup_->config));
    log::set_level(fresh->log_level);
    log::set_format(fresh->log_format);
    log::write(log::Level::info, "reload", {{"upstreams", gateway::list_upstreams(*setup_)}});
    for (const gateway::Upstream& each : setup_->upstreams)
      for (const std::string& note : each.config.key_notes)
        log::write(log::Level::warn, "key", {{"upstream", each.config.name}, {"note", note}});
  } else {
    run_.reload_error = redacted(setup.error()).for_client;
    log::write(log::Level::error, "reload",
               {{"kept", "old configuration"}, {"why", run_.reload_error}});
  }
  if (const Result<void> written = write_run_file(config_.data, run_); !written)
    log::write(log::Level::warn, "run_file", {{"why", written.error().for_client}});
}

void Service::wait_for_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
  constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 200'000'000};
  while (true) {
    const int got = sigtimedwait(&set, nullptr, &kTick);
    log::flush();
    const std::int64_t held = gateway_->counts.body_memory.load();
    const std::int64_t own = gateway::read_memory().own;
    if (idle_memory_.is_worth_returning(own, held, std::chrono::steady_clock::now()))
      malloc_trim(0);
    if (got == SIGHUP) reload();
    if (got == SIGTERM || got == SIGINT) return;
  }
}

void Service::on_each_lane(const std::function<void(Lane&)>& task) {
  std::latch done(static_cast<std::ptrdiff_t>(lanes_.size()));
  for (const auto& lane : lanes_)
    lane->worker.post([&task, &lane = *lane, &done] {
      task(lane);
      done.count_down();
    });
  done.wait();
}

/// Waits until nothing is being answered or about to be; a signal ends the wait.
Service::Until Service::wait_until_idle(std::chrono::milliseconds at_most) {
  const sigset_t set = stop_signals();
  constexpr timespec kTick{.tv_sec = 0, .tv_nsec = 20'000'000};
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!gateway_->counts.is_over()) {
    if (std::chrono::steady_clock::now() >= until) return Until::late;
    if (sigtimedwait(&set, nullptr, &kTick) > 0) return Until::signalled;
  }
  return Until::done;
}

/// Not ready first, then nothing new, then nothing left; whoever is impatient says so twice.
void Service::drain() {
  constexpr auto kTellingTime = 3s;  // for what is cut short to tell its client
  constexpr auto kCuttingTime = 2s;
  log::write(log::Level::info, "drain", {{"running", gateway_->counts.calls.load()}});
  log::flush();
  gateway_->start_draining();
  const bool impatient = wait_for_signal(stop_signals(), config_.drain_delay);
  on_each_lane([](Lane& lane) { lane.server->drain(); });
  Until waited = impatient ? Until::signalled : wait_until_idle(config_.drain_timeout);
  if (waited != Until::done) {
    on_each_lane([](Lane& lane) { lane.server->end_calls(); });
    waited = wait_until_idle(kTellingTime);
  }
  on_each_lane([](Lane& lane) { lane.server->cut(); });
  if (waited != Until::done) wait_until_idle(kCuttingTime);
  end();
  remove_run_file(config_.data);
  log::write(log::Level::info, "stop", {});
  log::flush();
}

/// Pulls the house down: who runs goes first, then what they refer to (net/worker.h). Once.
void Service::end() {
  for (const auto& lane : lanes_) lane->worker.stop();
  for (const auto& lane : lanes_)
    if (lane->thread.joinable()) lane->thread.join();
  for (const auto& lane : lanes_) lane->worker.end();  // with each its connection, hold and slot
  for (const auto& lane : lanes_) lane->server.reset();
  metrics_server_.reset();
  sandbox_.reset();
  gateway_.reset();  // with it the idle connections to upstreams
  // The ledger's thread calls the workers, which drop it.
  if (ledger_) ledger_->flush();
  ledger_.reset();
  lanes_.clear();
}

int Service::run(const ServeFlags& flags) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, each);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // before any thread is made: they inherit it
  ::signal(SIGPIPE, SIG_IGN);
  limit_idle_memory();
  Result<void> ready = prepare(flags);
  if (ready) ready = listen();
  if (ready) ready = welcome();
  if (!ready) return print_error(ready.error());
  start();
  wait_for_signals();
  drain();
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, Context& context) {
  CLI::App* serve = app.add_subcommand("serve", "Run the gateway.");
  auto flags = std::make_shared<ServeFlags>();
  serve
      ->add_option("--listen", flags->listen,
                   "address (default 127.0.0.1:4560; port 0: a free one)")
      ->type_name("HOST:PORT");
  serve->add_flag("--sandbox", flags->sandbox,
                  "answer from the built-in sandbox, whatever keys there are");
  serve->add_flag("--public-in-clear", flags->public_in_clear,
                  "allow a public address without TLS");
  serve->add_option("--workers", flags->workers, "threads (default: one for each core)")
      ->type_name("N")
      ->check(CLI::Range(0U, kMostWorkers).description(""));
  serve->callback([&context, flags] {
    Service service(context);
    context.exit_code = service.run(*flags);
  });
}

}  // namespace glmgate::cli
