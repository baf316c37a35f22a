// The gateway as a whole: what all workers share, and what each worker keeps to itself.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "accounts/ledger.h"
#include "base/clock.h"
#include "gateway/metrics.h"
#include "gateway/setup.h"
#include "net/client.h"
#include "net/server.h"
#include "protocol/responses_store.h"
#include "protocol/thinking_memory.h"
#include "protocol/thinking_seal.h"

namespace glmgate::gateway {

class GatewayWorker;

/// Shared by the workers; every member may be called from any thread.
class Gateway {
 public:
  Gateway(accounts::Ledger& ledger, const Clock& clock, std::shared_ptr<const Setup> setup);
  ~Gateway();

  /// Adds a worker; before it runs. The reference stays valid as long as the Gateway.
  GatewayWorker& add_worker(net::Worker& worker);

  /// Requests that begin from now on use `setup`; running ones keep theirs.
  void replace_setup(std::shared_ptr<const Setup> setup);
  std::shared_ptr<const Setup> setup() const;
  std::uint64_t setup_version() const { return setup_version_.load(std::memory_order_acquire); }

  void start_draining() { draining_ = true; }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  bool ready() const { return !draining() && ledger.healthy(); }
  std::string metrics_page() const;

  accounts::Ledger& ledger;
  const Clock& clock;
  const protocol::ThinkingSeal seal;
  protocol::ThinkingMemory thinking;
  const std::unique_ptr<protocol::ResponsesStore> responses;  ///< nullptr: nothing is kept
  net::ServerCounts counts;
  std::atomic<bool> metrics_apart{false};  ///< they have a listener of their own

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Setup> setup_;
  std::atomic<std::uint64_t> setup_version_{1};
  std::atomic<bool> draining_{false};
  std::vector<std::unique_ptr<GatewayWorker>> workers_;
  std::int64_t started_;
};

/// A Setup with this worker's connections to its upstreams. Running requests share it, so that a
/// reload does not cut them.
struct Lines {
  std::shared_ptr<const Setup> setup;
  std::vector<std::unique_ptr<net::Pool>> pools;  ///< as setup->upstreams

  net::Pool& pool_of(const Upstream& upstream) const {
    return *pools[static_cast<std::size_t>(&upstream - setup->upstreams.data())];
  }
};

/// One worker's part. Its thread only.
class GatewayWorker {
 public:
  GatewayWorker(Gateway& whole, net::Worker& own) : gateway(whole), worker(own) {}

  /// The life of one request (exchange.cpp).
  net::awaitable<void> handle(net::Call& call);

  /// /metrics and health alone, for a listener of their own.
  net::awaitable<void> handle_metrics(net::Call& call);

  /// The answer to what is not even a request; of a listener that pages may call.
  net::ErrorPage refusal_of(std::string_view path, const net::Headers& headers, const Fault& fault);
  static net::ErrorPage page_for(std::string_view path, const net::Headers& headers,
                                 const Fault& fault);

  std::shared_ptr<Lines> lines();                    ///< of the newest setup
  std::shared_ptr<const accounts::KeyTable> keys();  ///< the newest

  Gateway& gateway;
  net::Worker& worker;
  Metrics metrics;

 private:
  std::shared_ptr<Lines> lines_;
  std::uint64_t lines_version_ = 0;
  std::shared_ptr<const accounts::KeyTable> keys_;
  std::uint64_t keys_version_ = 0;
};

}  // namespace glmgate::gateway
