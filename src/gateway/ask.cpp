#include "gateway/ask.h"

#include <algorithm>
#include <memory>
#include <random>

#include "accounts/jwt.h"
#include "base/log.h"
#include "gateway/media.h"
#include "gateway/own_secrets.h"
#include "gateway/query.h"
#include "gateway/relay.h"
#include "gateway/retry.h"
#include "gateway/translation.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using protocol::Protocol;

constexpr auto kRestWithoutBalance = 10min;  // promises 4.3
constexpr auto kLongestRest = 24h;
constexpr auto kNoPlan = 24h;  // a key without a plan is asked for one once a day
/// What dies later than this without a word may have worked, and may be billed.
constexpr auto kQuickDeath = 5s;

/// A version and its betas belong to the body they came with; betas are an open list.
void add_anthropic_headers(const Exchange& x, net::Headers& headers) {
  const net::Headers& own = x.call.request().headers;
  const bool passes = x.target.dialect == Protocol::anthropic_messages;
  const std::string_view version = own.find("anthropic-version");
  headers.add("anthropic-version", passes && !version.empty() ? version : "2023-06-01");
  if (!passes) return;
  for (std::size_t i = 0; i < own.size(); ++i)
    if (const auto [name, value] = own[i]; net::same_name(name, "anthropic-beta"))
      headers.add("anthropic-beta", value);
}

std::string quoted(const Upstream& upstream) { return "`" + upstream.config.name + "`"; }

/// Why there is no connection, for the client: of what the dialer says, nothing that tells where
/// the upstream is.
std::string reason_of(std::string_view what) {
  constexpr std::string_view kTold[] = {"no connection",       "connection refused",
                                        "host unreachable",    "network unreachable",
                                        "certificate refused", "TLS handshake failed",
                                        "proxy refused",       "proxy closed",
                                        "proxy did not",       "proxy went"};
  if (what.starts_with("name ")) return ": its " + std::string(what);
  for (const std::string_view told : kTold)
    if (what.starts_with(told)) return ": " + std::string(what);
  return {};
}

Fault unreachable(const net::Failure& failure, const Upstream& upstream) {
  Fault fault = make_fault(FaultCode::upstream_unreachable,
                           quoted(upstream) + " cannot be reached" + reason_of(failure.what) + ".");
  // Neither a certificate nor a proxy thinks better of it, and who did not answer for so long has
  // had its time.
  const bool stays = failure.what.starts_with("certificate") || failure.what.starts_with("proxy") ||
                     failure.error == net::IoError::timeout;
  if (stays) fault.again = Again::elsewhere;
  return fault;
}

/// @param took  since the attempt began
Fault fault_of(const net::Failure& failure, const Exchange& x, const Upstream& upstream,
               std::chrono::nanoseconds took) {
  if (x.call.client_gone())
    return make_fault(FaultCode::client_gone, "The client closed the connection.");
  if (x.call.shutting_down()) return shutting_down();
  Fault fault;
  if (failure.error == net::IoError::full) {
    fault = make_fault(FaultCode::overloaded, "Too many connections at once. Try again shortly.");
    fault.wait = 2s;
  } else if (failure.stage == net::Stage::connect) {
    fault = unreachable(failure, upstream);
  } else if (failure.error == net::IoError::timeout) {
    fault = make_fault(FaultCode::upstream_timeout, quoted(upstream) + " did not answer in time.");
  } else if (failure.stage == net::Stage::answering) {
    fault = make_fault(FaultCode::upstream_broken, quoted(upstream) + " broke off its answer.");
  } else {
    fault = make_fault(FaultCode::upstream_reset,
                       quoted(upstream) + " closed the connection without an answer.");
    if (failure.stage != net::Stage::sending && took > kQuickDeath) fault.again = Again::never;
  }
  fault.for_us = failure.what + " at " + upstream.url.authority();
  return fault;
}

Fault broken_off(net::IoError error, const Exchange& x) {
  return fault_of({net::Stage::answering, error, std::string(name(error))}, x, *x.route->upstream,
                  {});
}

/// What a plan's address says of a key that has none. A plan that is used up or over (1308, 1309
/// ...) is another matter: money is not spent in its place unasked.
bool says_no_plan(const Upstream& upstream, const Fault& fault) {
  return upstream.kind().coding && fault.glm_code == "1113";
}

/// A credential or plan that will not serve for a while is passed over for that long.
void let_rest(const Exchange& x, const Upstream& upstream, const Fault& fault) {
  const UtcMillis now = x.at.gateway.clock.utc_ms();
  if (says_no_plan(upstream, fault)) {
    upstream.health->no_plan_until_ms = now + std::chrono::milliseconds(kNoPlan).count();
    log::write(log::Level::warn, "no_plan",
               {{"upstream", upstream.config.name}, {"glm_code", fault.glm_code}});
    return;
  }
  if (fault.again == Again::after_wait) return;  // an account that is away for a moment
  std::chrono::milliseconds rest{0};
  switch (fault.code) {
    case FaultCode::insufficient_balance:
    case FaultCode::plan_expired:
    case FaultCode::upstream_refused_key:
    case FaultCode::upstream_account:
      rest = kRestWithoutBalance;
      break;
    case FaultCode::quota_exhausted:
      rest = fault.wait.count() > 0 ? std::min<std::chrono::milliseconds>(fault.wait, kLongestRest)
                                    : std::chrono::milliseconds(kRestWithoutBalance);
      break;
    default:
      return;
  }
  upstream.health->resting_until_ms = now + rest.count();
  log::write(log::Level::warn, "rest",
             {{"upstream", upstream.config.name},
              {"fault", name(fault.code)},
              {"glm_code", fault.glm_code},
              {"rest_s", rest.count() / 1000}});
}

OwnSecrets secrets_of(const Exchange& x) {
  return {x.route != nullptr ? x.route->upstream->config.key : Secret{}, x.sent_token};
}

/// Keeps an error that its client may see as it came; an upstream may quote our key in it.
void keep_refusal(Exchange& x, const Fault& fault, int status, std::string body) {
  if (!secrets_of(x).may_be_in(body) &&
      protocol::passes_as_said(x.target.dialect, fault, status, body))
    x.refusal = Refusal{status, std::move(body)};
}

/// For who looks closer.
void note_attempt(const Exchange& x, std::chrono::nanoseconds took, const Fault* fault) {
  if (!log::shows(log::Level::debug)) return;
  const Upstream& upstream = *x.route->upstream;
  const UpstreamEndpoint* const endpoint = find_endpoint(upstream, x.target.dialect);
  log::write(log::Level::debug, "attempt",
             {{"id", x.id},
              {"try", x.tries},
              {"upstream", upstream.config.name},
              {"host", upstream.url.authority()},
              {"path", endpoint != nullptr ? std::string_view(endpoint->path) : ""},
              {"model", x.route->model},
              {"ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()},
              {"slots_waiting", upstream.health->slots.waiting()},
              {"fault", fault != nullptr ? name(fault->code) : std::string_view{}},
              {"glm_code", fault != nullptr ? std::string_view(fault->glm_code) : ""},
              {"again", fault != nullptr && fault->again != Again::never ? "elsewhere" : ""}});
}

/// What the client may do about it: a near name, or the way that costs money.
void advise(const Exchange& x, Fault& fault) {
  const bool plan_lacks_it = fault.glm_code == "1311";
  if (fault.code == FaultCode::model_not_found && !plan_lacks_it)
    fault.for_client += did_you_mean(x.setup(), x.route->model, x.target.service);
  if (fault.code != FaultCode::quota_exhausted && fault.code != FaultCode::plan_expired &&
      !plan_lacks_it)
    return;
  for (const Route& each : x.routes.best_first) {
    if (!each.only_without_plan) continue;
    fault.for_client += "; to pay by the token instead, ask for `" + each.upstream->config.name +
                        "/" + each.model + "`, or have the gateway started with GLMGATE_PAID=spill";
    return;
  }
}

/// Reads up to the first event that is an answer. After `heartbeat` of silence the wait ends all
/// the same: the client is told 200 and gets a ping.
net::awaitable<Result<void>> peek(Exchange& x, const Upstream& upstream) {
  Begun& begun = x.answer;
  const net::Patience& patience = upstream.config.patience;
  const auto heartbeat = std::chrono::steady_clock::now() + x.setup().config.heartbeat;
  const auto give_up =
      std::chrono::steady_clock::now() + std::max(patience.idle, patience.first_byte);
  while (!begun.stream->started()) {
    const net::Io<std::string_view> bytes =
        co_await begun.upstream->read(std::min(heartbeat, give_up));
    if (!bytes) {
      if (bytes.error() == net::IoError::timeout && heartbeat < give_up) co_return Result<void>{};
      co_return fail(broken_off(bytes.error(), x));
    }
    Result<void> fed =
        bytes->empty() ? begun.stream->finish() : begun.stream->feed(*bytes, begun.bytes);
    if (!fed) co_return fail(std::move(fed.error()));
    if (bytes->empty()) co_return Result<void>{};
  }
  co_return Result<void>{};
}

net::awaitable<Result<std::string>> read_body(Exchange& x) {
  std::expected<std::string, net::Failure> body = co_await x.answer.upstream->read_all(
      x.setup().config.answer_bytes, x.route->upstream->config.patience.idle);
  if (!body) co_return fail(fault_of(body.error(), x, *x.route->upstream, {}));
  x.answer.upstream.reset();
  co_return std::move(*body);
}

/// A whole answer for a client that wants one.
net::awaitable<Result<void>> read_whole(Exchange& x, const UpstreamEndpoint& endpoint) {
  Result<std::string> body = co_await read_body(x);
  if (!body) co_return fail(std::move(body.error()));
  Result<protocol::PlainAnswer> answer = read_answer(x, endpoint, std::move(*body));
  if (!answer) co_return fail(std::move(answer.error()));
  x.answer.whole = std::move(*answer);
  co_return Result<void>{};
}

/// A whole answer for a client that wants a stream.
net::awaitable<Result<void>> make_events(Exchange& x) {
  Result<std::string> body = co_await read_body(x);
  if (!body) co_return fail(std::move(body.error()));
  Result<void> fed = x.answer.stream->feed(*body, x.answer.bytes);
  if (fed) fed = x.answer.stream->finish();
  co_return fed;
}

/// A streamed answer for a client that wants it whole.
net::awaitable<Result<void>> fold_events(Exchange& x, const UpstreamEndpoint& endpoint) {
  protocol::TranslatedWhole whole = make_whole(x, endpoint);
  const UpstreamConfig& config = x.route->upstream->config;
  // Some say 200 before they have read the prompt.
  auto silence = std::max(config.patience.idle, config.plain_answer);
  while (!whole.complete()) {
    const net::TimePoint until = x.at.worker.after(silence);
    const net::Io<std::string_view> bytes = co_await x.answer.upstream->read(until);
    if (!bytes && bytes.error() == net::IoError::timeout && whole.may_end()) break;
    if (!bytes) co_return fail(broken_off(bytes.error(), x));
    if (bytes->empty()) break;
    if (Result<void> fed = whole.feed(*bytes); !fed) co_return fed;
    const Left left = whole.may_end() && whole.usage() ? Left::marker : Left::something;
    silence = longest_silence(config.patience.idle, left);
  }
  x.answer.upstream.reset();
  Result<protocol::PlainAnswer> answer = whole.finish();
  if (!answer) co_return fail(std::move(answer.error()));
  x.answer.whole = std::move(*answer);
  co_return Result<void>{};
}

/// Reads a 200 answer until something of it can go to the client.
net::awaitable<Result<void>> open_answer(Exchange& x, const UpstreamEndpoint& endpoint) {
  const bool streams =
      is_media(x.answer.upstream->headers().find("content-type"), "text/event-stream");
  if (endpoint.speaks == Protocol::openai_responses && streams != x.facts.stream)
    return refuse(make_fault(FaultCode::upstream_broken,
                             streams
                                 ? "The upstream streamed an answer that was asked for whole."
                                 : "The upstream answered whole where a stream was asked for."));
  if (!x.facts.stream) return streams ? fold_events(x, endpoint) : read_whole(x, endpoint);
  x.answer.stream = make_stream(x, endpoint, streams);
  return streams ? peek(x, *x.route->upstream) : make_events(x);
}

net::awaitable<Result<void>> read_refusal(Exchange& x, const Upstream& upstream,
                                          const UpstreamEndpoint& endpoint, net::Answer& answer) {
  const int status = answer.status();
  const std::string retry_after(answer.headers().find("retry-after"));
  constexpr std::size_t kErrorBytes = 1024 * 1024;
  std::expected<std::string, net::Failure> body =
      co_await answer.read_all(kErrorBytes, upstream.config.patience.idle);
  if (!body && (x.call.client_gone() || x.call.shutting_down()))
    co_return fail(fault_of(body.error(), x, upstream, {}));
  std::string text = body ? std::move(*body) : std::string();
  Fault fault = protocol::read_upstream_fault(
      status, retry_after, text, {std::string(upstream.kind().name)}, x.at.gateway.clock.utc_ms());
  if (endpoint.speaks == x.target.dialect && endpoint.speaks == x.asked_in)
    keep_refusal(x, fault, status, std::move(text));
  co_return fail(std::move(fault));
}

Fault all_taken(const Upstream& upstream) {
  const auto waited = std::chrono::ceil<std::chrono::seconds>(upstream.config.patience.first_byte);
  Fault busy =
      make_fault(FaultCode::rate_limited,
                 "Each of the " + std::to_string(upstream.config.max_concurrency) + " places at " +
                     quoted(upstream) + " (max_concurrency) was taken for " +
                     std::to_string(waited.count()) + " s. Try again shortly.");
  busy.wait = 5s;
  busy.again = Again::elsewhere;
  return busy;
}

/// Waits for one of the upstream's slots, as long as for a first byte.
net::awaitable<Result<Slots::Slot>> take_slot(Exchange& x, const Upstream& upstream) {
  if (Slots::Slot slot = upstream.health->slots.try_take()) co_return slot;
  Slots::Turn turn(x.at.worker);
  x.call.on_client_gone([&turn] { turn.cancel(); });
  const auto deadline = std::chrono::steady_clock::now() + upstream.config.patience.first_byte;
  Slots::Slot slot = co_await upstream.health->slots.take(turn, deadline);
  x.call.on_client_gone([&x] { x.cancel.abort(); });
  if (x.call.client_gone())
    co_return fail(FaultCode::client_gone, "The client closed the connection.");
  if (x.call.shutting_down()) co_return fail(shutting_down());
  if (!slot) co_return fail(all_taken(upstream));
  co_return slot;
}

/// How long this client's request may take until its answer begins, all attempts together.
std::chrono::milliseconds whole_time(const Exchange& x, const Upstream& upstream) {
  std::chrono::milliseconds time =
      x.facts.stream ? upstream.config.patience.first_byte : upstream.config.plain_answer;
  const std::string_view own = x.call.request().headers.find("x-stainless-timeout");
  if (const auto seconds = query_number(own, 1, 86'400))
    time = std::min<std::chrono::milliseconds>(time, std::chrono::seconds(*seconds));
  return time;
}

/// @param left  of the request's time; an upstream's own patience may be shorter
net::awaitable<Result<void>> attempt(Exchange& x, const Route& route, protocol::Body& body,
                                     std::chrono::milliseconds left) {
  x.refusal.reset();
  const Upstream& upstream = *route.upstream;
  const UpstreamEndpoint& endpoint = *find_endpoint(upstream, x.target.dialect);
  Result<Outgoing> outgoing = write_request(x, route, endpoint, body);
  if (!outgoing) co_return fail(std::move(outgoing.error()));
  const std::string_view bytes = outgoing->made ? *outgoing->made : body.bytes();
  const net::Headers headers = request_headers(x, upstream, endpoint);

  Begun& begun = x.answer;
  Result<Slots::Slot> slot = co_await take_slot(x, upstream);
  if (!slot) co_return fail(std::move(slot.error()));
  begun.slot = std::move(*slot);

  net::Patience patience = upstream.config.patience;
  if (!x.facts.stream) patience.first_byte = upstream.config.plain_answer;
  if (x.tries > 1) patience.first_byte = std::min(patience.first_byte, left);
  const net::OutgoingRequest request{
      .method = "POST", .path = endpoint.path, .headers = &headers, .body = bytes};
  const auto asked = std::chrono::steady_clock::now();
  std::expected<std::unique_ptr<net::Answer>, net::Failure> answer =
      co_await x.lines->pool_of(upstream).ask(request, patience, x.cancel);
  if (!answer)
    co_return fail(fault_of(answer.error(), x, upstream, std::chrono::steady_clock::now() - asked));
  begun.upstream = std::move(*answer);

  if (begun.upstream->status() != 200) {
    const Result<void> refusal = co_await read_refusal(x, upstream, endpoint, *begun.upstream);
    co_return fail(refusal.error());
  }
  Result<void> opened = co_await open_answer(x, endpoint);
  if (!opened) co_return fail(std::move(opened.error()));
  x.hold->answered();
  upstream.health->retries.earn();
  std::ranges::move(outgoing->warnings, std::back_inserter(x.warnings));
  std::ranges::move(begun.whole.warnings, std::back_inserter(x.warnings));
  co_return Result<void>{};
}

double throw_dice() {
  thread_local std::minstd_rand dice(std::random_device{}());
  return std::uniform_real_distribution<double>(0.0, 1.0)(dice);
}

/// What comes after the last of `made`; a second attempt is taken from its upstream's budget.
std::optional<NextAttempt> choose_next(const Exchange& x, std::vector<Attempt>& made,
                                       std::chrono::milliseconds left) {
  const std::vector<Route>& routes = x.routes.best_first;
  for (Attempt& each : made)
    each.budget_empty = routes[each.route].upstream->health->retries.empty();
  std::vector<bool> open;
  for (const Route& each : routes)
    open.push_back(x.routes.is_open(each, x.at.gateway.clock.utc_ms()));
  std::optional<NextAttempt> next = next_attempt(made, open, left, throw_dice());
  if (next && next->repeats && !routes[next->route].upstream->health->retries.take()) next.reset();
  return next;
}

void log_retry(const Exchange& x, const NextAttempt& next, const Fault& fault) {
  log::write(log::Level::warn, next.repeats ? "retry" : "failover",
             {{"id", x.id},
              {"from", x.route->upstream->config.name},
              {"to", x.routes.best_first[next.route].upstream->config.name},
              {"after_ms", next.after.count()},
              {"fault", name(fault.code)},
              {"glm_code", fault.glm_code},
              {"why", fault.for_us}});
}

/// Ends early if the client leaves.
net::awaitable<void> wait_for(Exchange& x, std::chrono::milliseconds time) {
  if (time.count() <= 0) co_return;
  auto left = std::make_shared<net::Signal>(x.at.worker);
  x.cancel.aim(x.at.worker, left);
  co_await left->wait(std::chrono::steady_clock::now() + time);
  x.cancel.aim(nullptr);
}

}  // namespace

// An allow-list (promises, section 3).
net::Headers request_headers(Exchange& x, const Upstream& upstream,
                             const UpstreamEndpoint& endpoint) {
  const bool to_messages = endpoint.speaks == Protocol::anthropic_messages;
  net::Headers headers;
  headers.add("content-type", "application/json");
  const bool streams = x.facts.stream || (x.draft && x.draft->streams_upstream);
  headers.add("accept", streams ? "text/event-stream" : "application/json");
  headers.add("accept-encoding", "identity");
  x.sent_token.clear();
  if (upstream.config.auth == UpstreamAuth::jwt) {
    x.sent_token = accounts::sign_jwt(upstream.config.key, x.at.gateway.clock.utc_ms());
    headers.add("authorization", "Bearer " + x.sent_token);
  } else if (to_messages && upstream.config.provider == ProviderKind::engine &&
             !upstream.config.key.empty()) {
    headers.add("x-api-key", upstream.config.key.reveal());
  } else if (!upstream.authorization.empty()) {
    headers.add("authorization", upstream.authorization);
  }
  if (to_messages) add_anthropic_headers(x, headers);
  // Chooses the language of error messages; Zhipu's default is Chinese (glm-api 0.2).
  const std::string_view language = x.call.request().headers.find("accept-language");
  headers.add("accept-language", language.empty() || language == "*" ? "en-US,en" : language);
  headers.add("x-request-id", x.id);
  // The sandbox's switchboard; real providers never see it.
  if (upstream.config.provider == ProviderKind::sandbox)
    if (const std::string_view wish = x.call.request().headers.find("glmgate-sandbox-do");
        !wish.empty())
      headers.add("glmgate-sandbox-do", wish);
  return headers;
}

void hide_secrets(const Exchange& x, Fault& fault) { secrets_of(x).remove_from(fault); }

void hide_secrets(const Exchange& x, std::string& text) { secrets_of(x).remove_from(text); }

net::awaitable<Result<void>> ask(Exchange& x, protocol::Body& body) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<Attempt> made;
  std::size_t chosen = 0;
  while (true) {
    const Route& route = x.routes.best_first[chosen];
    x.route = &route;
    ++x.tries;
    const auto started = std::chrono::steady_clock::now();
    const auto left = [&] {
      return whole_time(x, *x.routes.best_first.front().upstream) -
             std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    };
    Result<void> begun = co_await attempt(x, route, body, left());
    const auto took = std::chrono::steady_clock::now() - started;
    x.asking += took;
    note_attempt(x, took, begun ? nullptr : &begun.error());
    if (begun) co_return begun;
    Fault& fault = begun.error();
    x.answer = {};  // closes the connection, and frees the slot
    hide_secrets(x, fault);
    let_rest(x, *route.upstream, fault);
    if (x.call.client_gone() || x.call.shutting_down()) co_return begun;
    made.push_back({.route = chosen, .again = fault.again, .wait = fault.wait});
    const std::optional<NextAttempt> next = choose_next(x, made, left());
    if (!next) {
      advise(x, fault);
      co_return begun;
    }
    log_retry(x, *next, fault);
    const auto waits = std::chrono::steady_clock::now();
    co_await wait_for(x, next->after);
    x.asking += std::chrono::steady_clock::now() - waits;
    if (x.call.client_gone())
      co_return fail(FaultCode::client_gone, "The client closed the connection.");
    if (x.call.shutting_down()) co_return fail(shutting_down());
    chosen = next->route;
  }
}

}  // namespace glmgate::gateway
