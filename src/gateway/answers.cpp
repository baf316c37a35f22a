// What all answers have in common, faults, and what is noted of an exchange.
#include <algorithm>
#include <array>
#include <string>

#include "base/id.h"
#include "base/log.h"
#include "gateway/ask.h"
#include "gateway/cors.h"
#include "gateway/exchange.h"
#include "protocol/chat_answer.h"

namespace glmgate::gateway {
namespace {

/// "412" microseconds as "0.412" milliseconds.
std::string milliseconds_text(std::int64_t us) {
  if (us < 0) us = 0;
  std::string text = std::to_string(us % 1000);
  text.insert(0, 3 - text.size(), '0');
  return std::to_string(us / 1000) + "." + text;
}

std::string_view bounded_model(const Exchange& x) {
  if (x.route == nullptr) return {};
  return x.route->known != nullptr ? std::string_view(x.route->model) : "other";
}

std::string_view end_name(const Exchange& x, const Fault* fault) {
  if (x.end) return accounts::name(*x.end);
  return fault != nullptr ? "refused" : "complete";
}

/// The endpoint, not what was written: an unknown path may hold anything.
std::string path_of(const Exchange& x) {
  if (x.target.pattern.empty()) return "-";
  std::string path = x.target.service.empty() ? "" : "/s/{service}";
  return path.append(x.target.prefix).append(x.target.pattern);
}

void note_page(const Exchange& x) {
  if (!log::shows(log::Level::debug)) return;
  log::write(log::Level::debug, "page",
             {{"id", x.id},
              {"addr", x.call.peer()},
              {"method", x.call.request().method},
              {"path", path_of(x)},
              {"key", x.key ? std::string_view(x.key->id) : ""},
              {"status", x.status}});
}

/// What was settled, and what it is worth by the price list.
void add_worth(const Exchange& x, Noted& noted) {
  const Currency currency = x.route->upstream->kind().currency;
  const accounts::Quote quote =
      x.setup().prices.quote(x.route->model, currency, noted.usage, x.at.gateway.clock.utc_ms());
  noted.currency = quote.cost ? quote.cost->currency : currency;
  noted.cost_micro = x.cost_micro;
  noted.list_micro = quote.cost ? quote.cost->micro : 0;
  noted.weighted_milli = accounts::weigh(noted.usage, quote.weight_milli);
}

/// Clients and proxies take a hundred header lines, and few kilobytes of them.
void add_warnings(net::Headers& headers, const std::vector<std::string>& warnings) {
  constexpr std::size_t kMostWarnings = 20;
  constexpr std::size_t kLongestWarning = 200;
  const std::size_t shown = std::min(warnings.size(), kMostWarnings);
  for (std::size_t i = 0; i < shown; ++i)
    headers.add("glmgate-warning", std::string_view(warnings[i]).substr(0, kLongestWarning));
  if (warnings.size() > shown)
    headers.add("glmgate-warning", "and " + std::to_string(warnings.size() - shown) + " more");
}

}  // namespace

net::Headers answer_headers(const Exchange& x, std::string_view content_type) {
  net::Headers headers;
  headers.add("content-type", content_type);
  headers.add("x-request-id", x.id);
  headers.add("request-id", x.id);
  if (content_type.starts_with("text/event-stream")) {
    headers.add("cache-control", "no-cache, no-transform");
    headers.add("x-accel-buffering", "no");
  }
  add_cors(headers, x.call.request().headers, x.setup().config.allow_origins);
  add_warnings(headers, x.warnings);
  if (x.route == nullptr) return headers;
  headers.add("glmgate-upstream", x.route->upstream->config.name);
  headers.add("glmgate-model", x.route->model);
  headers.add("glmgate-attempts", std::to_string(x.tries));
  headers.add("glmgate-overhead-ms", milliseconds_text(x.overhead_us()));
  if (x.route->upstream->config.provider == ProviderKind::sandbox)
    headers.add("glmgate-sandbox", "1");
  return headers;
}

net::awaitable<void> tell_fault(Exchange& x, const Fault& fault) {
  if (x.call.started()) {
    if (fault.code == FaultCode::client_gone) co_return;
    // What came in order before the break is the client's.
    std::string told = x.answer.stream->fault(fault);  // perhaps in the upstream's own words
    hide_secrets(x, told);
    const std::string last = x.answer.bytes + told;
    co_await x.call.break_off(last);
    co_return;
  }
  protocol::WireFault wire = protocol::write_fault(x.style, fault, x.id);
  if (x.refusal) {
    wire.status = x.refusal->status;
    wire.body = std::move(x.refusal->body);
  }
  x.status = wire.status;
  if (x.call.client_gone()) co_return;
  net::Headers headers = answer_headers(x, "application/json");
  for (const auto& [name, value] : wire.headers) headers.set(name, value);
  if (x.target.wrong_method) headers.add("allow", x.target.allow);
  co_await x.call.send(wire.status, headers, wire.body);
}

net::ErrorPage GatewayWorker::refusal_of(std::string_view path, const net::Headers& headers,
                                         const Fault& fault) {
  net::ErrorPage page = page_for(path, headers, fault);
  add_cors(page.headers, headers, lines()->setup->config.allow_origins);
  return page;
}

net::ErrorPage GatewayWorker::page_for(std::string_view path, const net::Headers& headers,
                                       const Fault& fault) {
  const Target target = find_target("POST", path);
  static_cast<void>(headers);
  const std::string id = "x_" + random_base62(20);
  protocol::WireFault wire = protocol::write_fault({.client = target.dialect}, fault, id);
  net::ErrorPage page{.status = wire.status, .body = std::move(wire.body)};
  page.headers.add("content-type", "application/json");
  page.headers.add("x-request-id", id);
  page.headers.add("request-id", id);
  log::write(log::Level::info, "refused",
             {{"id", id}, {"status", page.status}, {"fault", name(fault.code)}});
  for (const auto& [name, value] : wire.headers) page.headers.add(name, value);
  return page;
}

void note(const Exchange& x, const Fault* fault) {
  const auto now = std::chrono::steady_clock::now();
  const auto since = [&](Exchange::Instant at) {
    return std::chrono::duration_cast<std::chrono::microseconds>(at - x.began).count();
  };
  const Usage usage = x.usage.value_or(Usage{});
  const std::string_view fault_name = fault ? name(fault->code) : std::string_view{};
  const bool plain_get = (x.target.serve != Serve::ask && x.target.serve != Serve::nothing) ||
                         x.call.request().method == "OPTIONS";
  if (plain_get && fault == nullptr) return note_page(x);  // probes and scrapes are no exchanges

  Noted noted{
      .dialect = protocol::name(x.target.dialect),
      .upstream = x.route ? std::string_view(x.route->upstream->config.name) : std::string_view{},
      .provider = x.route ? x.route->upstream->kind().name : std::string_view{},
      .model = bounded_model(x),
      .status = x.status,
      .fault = fault_name,
      .usage = usage,
      .has_usage = x.usage.has_value(),
      .total_us = since(now),
      .first_us = x.first_byte ? since(*x.first_byte) : -1,
      .overhead_us = x.overhead_us(),
      .tries = x.tries};
  if (x.route != nullptr && x.end) add_worth(x, noted);
  x.at.metrics.note(noted);

  const std::optional<std::int64_t> first_ms =
      x.first_byte ? std::optional<std::int64_t>(since(*x.first_byte) / 1000) : std::nullopt;
  const bool ours = fault != nullptr && fault->blame == Blame::us;
  log::write(ours ? log::Level::error : log::Level::info, "exchange",
             {{"id", x.id},
              {"addr", x.call.peer()},
              {"path", path_of(x)},
              {"key", x.key ? std::string_view(x.key->id) : "-"},
              {"user", x.key ? std::string_view(x.key->user) : ""},
              {"client", protocol::name(x.target.dialect)},
              {"upstream", x.route ? std::string_view(x.route->upstream->config.name) : "-"},
              {"model", x.route ? std::string_view(x.route->model) : "-"},
              {"status", x.status},
              {"in", usage.input},
              {"out", usage.output},
              {"est", usage.estimated ? "yes" : "no"},
              {"cost_micro", x.cost_micro},
              {"first_ms", first_ms},
              {"total_ms", since(now) / 1000},
              {"tries", x.tries},
              {"end", end_name(x, fault)},
              {"fault", fault_name},
              {"param", fault ? std::string_view(fault->param) : ""},
              {"glm_code", fault ? std::string_view(fault->glm_code) : ""},
              {"why", fault ? std::string_view(fault->for_us) : ""}});
}

}  // namespace glmgate::gateway
