// What is answered without a key: health, metrics, the root, and a browser's question before a
// request.
#include <string>

#include "gateway/cors.h"
#include "gateway/exchange.h"

namespace glmgate::gateway {
namespace {

constexpr std::string_view kRootPage =
    R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>glmgate</title>
<style>body{max-width:40rem;margin:3rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color-scheme:light dark}code{overflow-wrap:anywhere}</style>
<main>
<h1>glmgate</h1>
<p>This is a gateway to the GLM models. It is for programs: give your client this address and a key.</p>
<ul>
<li>OpenAI clients: base URL <code>/v1</code>
<li>Anthropic clients and Claude Code: this address itself
<li>Z.AI's own clients: base URL <code>/api/paas/v4</code>
</ul>
<p>Keys begin with <code>sk-</code> and come from whoever runs this gateway: <code>glmgate keys create --user NAME</code>.</p>
</main>
</html>
)";

bool is_this_machine(std::string_view peer) {
  return peer.starts_with("127.") || peer.starts_with("[::1]") || peer.starts_with("[::ffff:127.");
}

/// A proxy on this machine speaks for somebody elsewhere.
bool came_through_a_proxy(const net::Headers& headers) {
  for (const std::string_view name : {"forwarded", "x-forwarded-for", "x-real-ip", "via"})
    if (headers.has(name)) return true;
  return false;
}

Result<void> admit_to_metrics(const Exchange& x) {
  const net::Headers& headers = x.call.request().headers;
  const MetricsAccess& access = x.setup().config.metrics;
  if (!access.token.empty()) {
    std::string_view shown = headers.find("authorization");
    if (shown.starts_with("Bearer ")) shown.remove_prefix(std::string_view("Bearer ").size());
    if (shown.empty())
      return fail(FaultCode::no_key, "Metrics need the token of [metrics]: send it as Bearer.");
    if (!equal_in_constant_time(shown, access.token.reveal()))
      return fail(FaultCode::wrong_key, "This is not the token of [metrics].");
    return {};
  }
  if (x.metrics_alone || access.open) return {};
  if (x.at.gateway.metrics_apart)
    return fail(FaultCode::unknown_path, "Metrics have an address of their own here.");
  if (is_this_machine(x.call.peer()) && !came_through_a_proxy(headers)) return {};
  return fail(FaultCode::not_allowed,
              "Metrics are for this machine alone. Whoever runs the gateway may set `listen`, "
              "`token_env` or `open` in [metrics].");
}

}  // namespace

net::awaitable<Result<void>> serve_health(Exchange& x) {
  const bool asked_ready = x.target.serve == Serve::ready;
  const bool good = !asked_ready || x.at.gateway.ready();
  x.status = good ? 200 : 503;
  std::string body = R"({"status":"ok"})";
  if (!good)
    body =
        x.at.gateway.draining() ? R"({"status":"draining"})" : R"({"status":"ledger unavailable"})";
  const net::Headers headers = answer_headers(x, "application/json");
  co_await x.call.send(x.status, headers, body);
  co_return Result<void>{};
}

net::awaitable<Result<void>> serve_root(Exchange& x) {
  const bool for_people =
      x.call.request().headers.find("accept").find("text/html") != std::string_view::npos;
  x.status = 200;
  net::Headers headers =
      answer_headers(x, for_people ? "text/html; charset=utf-8" : "application/json");
  headers.add("vary", "Accept");
  if (for_people) {
    headers.add("content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    headers.add("x-content-type-options", "nosniff");
  }
  const std::string_view body = for_people ? kRootPage : R"({"status":"ok","service":"glmgate"})";
  co_await x.call.send(200, headers, body);
  co_return Result<void>{};
}

net::awaitable<Result<void>> serve_metrics(Exchange& x) {
  if (Result<void> admitted = admit_to_metrics(x); !admitted) co_return admitted;
  x.status = 200;
  const net::Headers headers = answer_headers(x, "text/plain; version=0.0.4; charset=utf-8");
  const std::string body = x.at.gateway.metrics_page();
  co_await x.call.send(200, headers, body);
  co_return Result<void>{};
}

net::awaitable<Result<void>> serve_preflight(Exchange& x) {
  std::optional<net::Headers> answer =
      answer_preflight(x.call.request().headers, x.setup().config.allow_origins);
  if (!answer)
    co_return fail(FaultCode::not_allowed,
                   "This origin is not in `allow_origins` of the gateway's [server].");
  x.status = 204;
  answer->add("x-request-id", x.id);
  co_await x.call.send(204, *answer, {});
  co_return Result<void>{};
}

}  // namespace glmgate::gateway
