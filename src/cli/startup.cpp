#include "cli/startup.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "cli/data_folder.h"
#include "net/address.h"

namespace glmgate::cli {
namespace {

Result<void> check_exposure(const Config& config) {
  const bool tls = !config.tls_certificate.empty();
  if (net::is_loopback_host(net::host_of(config.listen)) || tls || config.public_in_clear)
    return {};
  return fail(FaultCode::bad_value, "`" + config.listen +
                                        "` can be reached from outside, and keys and prompts would "
                                        "cross the network in the clear\n"
                                        "hint: set server.tls_certificate and server.tls_key, or "
                                        "say --public-in-clear if something in front "
                                        "does TLS");
}

gateway::UpstreamConfig sandbox_upstream(const std::string& url, const std::string& key) {
  gateway::UpstreamConfig upstream;
  upstream.name = "sandbox";
  upstream.provider = gateway::ProviderKind::sandbox;
  upstream.url = url;
  upstream.key = Secret(key);
  return upstream;
}

/// The upstreams as they will be; where the sandbox will listen is not known yet.
Result<void> check_setup(const Config& config) {
  Config stand_in = config;
  if (needs_sandbox(config)) point_at_sandbox(stand_in, "http://127.0.0.1:1/api/paas/v4", "none");
  const auto setup = make_setup(stand_in, nullptr);
  if (!setup) return fail(setup.error());
  return {};
}

/// Without the system's certificates, or with the wrong ones, all that shows is refused upstreams.
Result<void> check_trust(const Config& config) {
  const bool uses_it = std::ranges::any_of(config.setup.upstreams, [](const auto& each) {
    return each.ca_file.empty() &&
           (each.url.starts_with("https:") ||
            (each.url.empty() && each.provider != gateway::ProviderKind::sandbox));
  });
  const std::string file = variable("SSL_CERT_FILE");
  const bool found =
      file.empty() ? !net::find_certificates().empty() : ::access(file.c_str(), R_OK) == 0;
  if (!uses_it || found) return {};
  if (file.empty())
    return fail(FaultCode::bad_value,
                "this system has no certificates: no upstream could be trusted\nhint: install "
                "ca-certificates, or name them in SSL_CERT_FILE or in the upstream's ca_file");
  return fail(FaultCode::bad_value,
              "SSL_CERT_FILE names " + file +
                  ", which cannot be read: no upstream's certificate could be trusted\nhint: unset "
                  "it, or name the system's certificates, e.g. /etc/ssl/certs/ca-certificates.crt "
                  "or /etc/pki/tls/certs/ca-bundle.crt");
}

}  // namespace

Result<std::unique_ptr<net::TlsContext>> load_tls(const Config& config) {
  if (config.tls_certificate.empty() && config.tls_key.empty()) return nullptr;
  if (config.tls_certificate.empty() || config.tls_key.empty()) {
    const bool no_key = config.tls_key.empty();
    return fail(FaultCode::missing_field,
                std::string("`server.") + (no_key ? "tls_key" : "tls_certificate") +
                    "` is missing: `server." + (no_key ? "tls_certificate" : "tls_key") +
                    "` needs it\nhint: both are PEM files; with neither, glmgate serves http");
  }
  return net::TlsContext::for_clients(config.tls_certificate, config.tls_key);
}

Result<void> check_listen(const std::string& address) {
  const Result<net::ListenAddress> read = net::read_listen_address(address);
  if (!read) return fail(read.error());
  return {};
}

Result<Config> load(const Context& context, const ServeFlags& flags) {
  Result<Config> config = load_config(context.config);
  if (!config) return config;
  Result<std::string> folder = find_data_folder(context, config->data);
  if (!folder) return fail(folder.error());
  config->data = std::move(*folder);
  if (!flags.listen.empty()) config->listen = flags.listen;
  if (flags.sandbox) config->sandbox = true;
  if (flags.public_in_clear) config->public_in_clear = true;
  if (flags.workers > 0) config->workers = flags.workers;
  if (config->workers == 0) config->workers = std::max(1U, std::thread::hardware_concurrency());
  return config;
}

Result<Prepared> prepare(const Context& context, const ServeFlags& flags) {
  Result<Config> config = load(context, flags);
  if (!config) return fail(config.error());
  Result<void> good = check_listen(config->listen);
  if (good && !config->metrics_listen.empty()) good = check_listen(config->metrics_listen);
  if (good) good = check_exposure(*config);
  if (good) good = check_data_folder(config->data);
  if (good) good = check_trust(*config);
  if (good) good = check_setup(*config);
  if (!good) return fail(good.error());
  Result<std::unique_ptr<net::TlsContext>> tls = load_tls(*config);
  if (!tls) return fail(tls.error());
  return Prepared{std::move(*config), std::move(*tls)};
}

bool needs_sandbox(const Config& config) {
  if (config.sandbox || config.setup.upstreams.empty()) return true;
  return std::ranges::any_of(config.setup.upstreams, [](const gateway::UpstreamConfig& each) {
    return each.provider == gateway::ProviderKind::sandbox && each.url.empty();
  });
}

void point_at_sandbox(Config& config, const std::string& url, const std::string& key) {
  if (config.sandbox) config.setup.upstreams.clear();
  if (config.setup.upstreams.empty()) config.setup.upstreams.push_back(sandbox_upstream(url, key));
  for (gateway::UpstreamConfig& each : config.setup.upstreams)
    if (each.provider == gateway::ProviderKind::sandbox && each.url.empty()) {
      each.url = url;
      each.key = Secret(key);
    }
}

Result<std::shared_ptr<const gateway::Setup>> make_setup(const Config& config,
                                                         const gateway::Setup* before) {
  auto setup = gateway::make_setup(config.setup, before);
  if (setup) return setup;
  Fault fault = setup.error();
  for (const auto& [name, place] : config.places)
    if (fault.param.starts_with(name + ".")) fault.for_client.insert(0, place + ": ");
  return fail(std::move(fault));
}

}  // namespace glmgate::cli
