#include "gateway/gateway.h"

#include <algorithm>

namespace glmgate::gateway {

Gateway::Gateway(accounts::Ledger& books, const Clock& time, std::shared_ptr<const Setup> setup)
    : ledger(books),
      clock(time),
      seal([&books](std::string_view text) { return books.mac(text); }),
      responses(setup->config.keep_responses
                    ? std::make_unique<protocol::ResponsesStore>(*setup->config.keep_responses)
                    : nullptr),
      setup_(std::move(setup)),
      started_(time.utc_ms() / 1000) {}

Gateway::~Gateway() = default;

GatewayWorker& Gateway::add_worker(net::Worker& worker) {
  workers_.push_back(std::make_unique<GatewayWorker>(*this, worker));
  return *workers_.back();
}

void Gateway::replace_setup(std::shared_ptr<const Setup> setup) {
  const std::lock_guard lock(mutex_);
  setup_ = std::move(setup);
  setup_version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Setup> Gateway::setup() const {
  const std::lock_guard lock(mutex_);
  return setup_;
}

std::string Gateway::metrics_page() const {
  std::vector<Metrics*> all;
  for (const auto& worker : workers_) all.push_back(&worker->metrics);
  std::vector<UpstreamGauges> upstreams;
  const std::shared_ptr<const Setup> now = setup();
  const UtcMillis at = clock.utc_ms();
  for (const Upstream& each : now->upstreams)
    upstreams.push_back({.name = each.config.name,
                         .slots_limit = each.health->slots.limit,
                         .slots_in_use = each.health->slots.in_use(),
                         .slots_waiting = static_cast<std::int64_t>(each.health->slots.waiting()),
                         .rests_ms = std::max<std::int64_t>(each.health->resting_until_ms - at, 0),
                         .no_plan = each.health->no_plan_until_ms > at});
  return Metrics::write(all, {.connections = counts.connections.load(),
                              .calls = counts.calls.load(),
                              .body_memory = counts.body_memory.load(),
                              .open_holds = ledger.holds_in_use(),
                              .unwritten = static_cast<std::int64_t>(ledger.unwritten()),
                              .ledger_healthy = ledger.healthy(),
                              .start_seconds = started_,
                              .upstreams = std::move(upstreams)});
}

std::shared_ptr<Lines> GatewayWorker::lines() {
  if (const std::uint64_t version = gateway.setup_version(); version != lines_version_) {
    auto fresh = std::make_shared<Lines>();
    fresh->setup = gateway.setup();
    for (const Upstream& upstream : fresh->setup->upstreams)
      fresh->pools.push_back(std::make_unique<net::Pool>(
          worker, upstream.url, fresh->setup->proxies, upstream.tls, net::ClientLimits{}));
    lines_ = std::move(fresh);
    lines_version_ = version;
  }
  return lines_;
}

std::shared_ptr<const accounts::KeyTable> GatewayWorker::keys() {
  if (const std::uint64_t version = gateway.ledger.keys_version(); version != keys_version_) {
    keys_ = gateway.ledger.keys();
    keys_version_ = version;
  }
  return keys_;
}

}  // namespace glmgate::gateway
