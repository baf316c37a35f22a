#include "cli/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/log.h"

namespace glmgate::cli {
namespace {

constexpr std::size_t kOwn = 64;  // database, log, listeners of the sandbox, names being looked up
constexpr std::size_t kPerWorker = 8;      // loop, wake-up, listener, spare
constexpr std::size_t kPerConnection = 2;  // the client's, and one to the upstream
constexpr std::size_t kWithSandbox = 3;    // whose end of the second is ours too

}  // namespace

std::size_t connections_within(std::size_t descriptors, std::size_t wanted, std::size_t workers,
                               std::size_t each) {
  const std::size_t own = kOwn + workers * kPerWorker;
  const std::size_t room = descriptors > own ? (descriptors - own) / each : 0;
  return std::clamp<std::size_t>(room, 1, std::max<std::size_t>(wanted, 1));
}

void heed_descriptors(Config& config) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  const bool sandbox = config.sandbox || config.setup.upstreams.empty();
  const std::size_t wanted = config.server.max_connections;
  const std::size_t fit = connections_within(limit.rlim_cur, wanted, config.workers,
                                             sandbox ? kWithSandbox : kPerConnection);
  if (fit == wanted) return;
  config.server.max_connections = fit;
  const bool asked_for = wanted != net::ServerOptions{}.max_connections;
  log::write(asked_for ? log::Level::warn : log::Level::info, "descriptors",
             {{"limit", limit.rlim_cur},
              {"max_connections", fit},
              {"wanted", wanted},
              {"hint", "raise the limit: ulimit -Hn, or LimitNOFILE= of systemd"}});
}

}  // namespace glmgate::cli
