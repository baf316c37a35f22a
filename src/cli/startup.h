// What `serve` does before it opens a socket or makes a file. `config check` does the same, and
// stops there: the two can not disagree.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/config.h"
#include "cli/context.h"
#include "net/tls.h"

namespace glmgate::cli {

struct ServeFlags {
  std::string listen;
  bool sandbox = false;
  bool public_in_clear = false;
  std::uint32_t workers = 0;
};

/// The file, the environment, then the flags; `data` and `workers` are decided.
Result<Config> load(const Context& context, const ServeFlags& flags);

struct Prepared {
  Config config;
  std::unique_ptr<net::TlsContext> tls;  ///< nullptr: in the clear
};

/// load(), and everything that can be known to be wrong: address, exposure, TLS files, data folder,
/// upstreams and services.
Result<Prepared> prepare(const Context& context, const ServeFlags& flags);

/// The certificate and key that the configuration names; nullptr: none.
Result<std::unique_ptr<net::TlsContext>> load_tls(const Config& config);

/// HOST:PORT, in words that say what is wrong with it.
Result<void> check_listen(const std::string& address);

/// Does the configuration ask for the built-in sandbox, or has it nothing else?
bool needs_sandbox(const Config& config);
/// Gives the sandbox at `url` to the upstreams that ask for it.
void point_at_sandbox(Config& config, const std::string& url, const std::string& key);

/// gateway::make_setup(), and where in the file its complaint is about.
Result<std::shared_ptr<const gateway::Setup>> make_setup(const Config& config,
                                                         const gateway::Setup* before);

}  // namespace glmgate::cli
