// The configuration: one TOML file, then the environment, then flags. The structs that the sections
// fill lie beside the code that uses them; docs/config.md is the manual.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/ledger.h"
#include "base/log.h"
#include "base/result.h"
#include "gateway/setup.h"
#include "net/server.h"

namespace glmgate::cli {

constexpr std::uint32_t kMostWorkers = 1024;

struct SandboxConfig {
  std::uint64_t seed = 1;
  std::chrono::milliseconds first_token{0};
  int tokens_per_second = 0;  ///< 0: as fast as possible
};

struct Config {
  std::string listen = "127.0.0.1:4560";
  std::string data;              ///< empty: find_data_folder() knows
  std::uint32_t workers = 0;     ///< 0: one for each core
  bool public_in_clear = false;  ///< a public address without TLS, said on purpose
  std::string tls_certificate;
  std::string tls_key;
  std::string metrics_listen;  ///< a listener for /metrics and health alone; empty: none
  net::ServerOptions server;
  std::chrono::milliseconds drain_delay{0};  ///< not ready, but still serving, after SIGTERM
  std::chrono::milliseconds drain_timeout{600'000};
  accounts::Durability durability = accounts::Durability::process;
  std::uint32_t max_holds = 16'384;
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::logfmt;
  bool sandbox = false;  ///< serve the sandbox and nothing else
  SandboxConfig sandbox_settings;
  gateway::SetupConfig setup;
  /// Where the file says it: "glmgate.toml:7" of "upstream.plan" and "service.team".
  std::map<std::string, std::string, std::less<>> places;
  std::set<std::string, std::less<>> key_variables;  ///< what each `key_env` names
};

/// Reads `text` as the file `name`. Fault{bad_value} with "name:line: what" and a "\nhint: ..."
/// where one helps.
Result<Config> read_config(std::string_view text, const std::string& name);

/// The file at `path` (none if empty), then GLMGATE_LISTEN, GLMGATE_DATA, GLMGATE_WORKERS,
/// GLMGATE_LOG; then, if no upstream is configured, those whose keys the environment holds
/// (GLMGATE_PAID).
Result<Config> load_config(const std::string& path);

/// `data` of the file at `path`, "" if it says none. The rest of the file is not looked at.
Result<std::string> read_data_key(const std::string& path);

/// "250ms", "5s", "10m", "2h", "90d". "32MiB", "64KiB", "4096".
Result<std::chrono::milliseconds> read_duration(std::string_view text);
Result<std::size_t> read_size(std::string_view text);

/// Upstreams for the provider keys in the environment, best first: the Coding Plan addresses, then
/// pay-as-you-go. `paid`: GLMGATE_PAID; absent, pay-as-you-go follows in its turn only if it has a
/// key of its own, else it serves keys that turn out to have no plan.
std::vector<gateway::UpstreamConfig> upstreams_from_environment(
    std::optional<gateway::PaidUse> paid = {});

}  // namespace glmgate::cli
