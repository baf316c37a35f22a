#include "gateway/ask.h"

#include <algorithm>
#include <charconv>

#include "accounts/jwt.h"
#include "base/log.h"
#include "gateway/relay.h"
#include "gateway/translation.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using protocol::Protocol;

constexpr std::size_t kMaxTries = 3;
constexpr auto kRestWithoutBalance = 10min;  // promises 4.3
constexpr auto kLongestRest = 24h;
constexpr auto kNoPlan = 24h;  // a key without a plan is asked for one once a day

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

Fault fault_of(const net::Failure& failure, const Exchange& x) {
  if (x.call.client_gone())
    return make_fault(FaultCode::client_gone, "The client closed the connection.");
  if (x.call.shutting_down()) return shutting_down();
  Fault fault;
  if (failure.error == net::IoError::full) {
    fault = make_fault(FaultCode::overloaded, "Too many connections at once. Try again shortly.");
    fault.wait = 2s;
  } else if (failure.stage == net::Stage::connect) {
    fault = make_fault(FaultCode::upstream_unreachable, "The upstream cannot be reached.");
  } else if (failure.error == net::IoError::timeout) {
    fault = make_fault(FaultCode::upstream_timeout, "The upstream did not answer in time.");
  } else if (failure.stage == net::Stage::answering) {
    fault = make_fault(FaultCode::upstream_broken, "The upstream broke off its answer.");
  } else {
    fault = make_fault(FaultCode::upstream_reset,
                       "The upstream closed the connection without an answer.");
  }
  fault.for_us = failure.what;
  return fault;
}

Fault broken_off(net::IoError error, const Exchange& x) {
  return fault_of({net::Stage::answering, error, std::string(name(error))}, x);
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

/// Keeps an error that its client may see as it came; an upstream may quote our key in it.
void keep_refusal(Exchange& x, const Upstream& upstream, const Fault& fault, int status,
                  std::string body) {
  const std::string& key = upstream.config.key.reveal();
  if (!key.empty() && body.find(key) != std::string::npos) return;
  if (protocol::passes_as_said(fault, body)) x.refusal = Refusal{status, std::move(body)};
}

/// An upstream may quote our key in its complaint.
void hide_key(const Upstream& upstream, Fault& fault) {
  constexpr std::string_view kInstead = "[redacted]";
  const std::string& key = upstream.config.key.reveal();
  if (key.empty()) return;
  for (std::string* text : {&fault.for_client, &fault.for_us})
    for (std::size_t at = 0; (at = text->find(key, at)) != std::string::npos; at += kInstead.size())
      text->replace(at, key.size(), kInstead);
}

bool may_go_elsewhere(const Fault& fault) {
  return fault.again == Again::elsewhere || fault.again == Again::after_wait;
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
              {"again", fault != nullptr && may_go_elsewhere(*fault) ? "elsewhere" : ""}});
}

/// What the client may do about it: a near name, or the way that costs money.
void advise(const Exchange& x, Fault& fault) {
  if (fault.code == FaultCode::model_not_found)
    fault.for_client += did_you_mean(x.setup(), x.route->model, x.target.service);
  if (fault.code != FaultCode::quota_exhausted && fault.code != FaultCode::plan_expired) return;
  for (const Route& each : x.routes.best_first) {
    if (!each.only_without_plan) continue;
    fault.for_client += "; to pay by the token instead, ask for `" + each.upstream->config.name +
                        "/" + each.model + "`, or have the gateway started with GLMGATE_PAID=spill";
    return;
  }
}

bool is_event_stream(const net::Headers& headers) {
  return headers.find("content-type").starts_with("text/event-stream");
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
  if (!body) co_return fail(fault_of(body.error(), x));
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
  const bool streams = is_event_stream(x.answer.upstream->headers());
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
    co_return fail(fault_of(body.error(), x));
  std::string text = body ? std::move(*body) : std::string();
  Fault fault = protocol::read_upstream_fault(
      status, retry_after, text, {std::string(upstream.kind().name)}, x.at.gateway.clock.utc_ms());
  if (endpoint.speaks == x.target.dialect && endpoint.speaks == x.asked_in)
    keep_refusal(x, upstream, fault, status, std::move(text));
  co_return fail(std::move(fault));
}

/// Waits for one of the upstream's slots.
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
  if (!slot) {
    Fault busy = make_fault(FaultCode::rate_limited,
                            "All slots of the upstream are in use. Try again shortly.");
    busy.wait = 5s;
    co_return fail(std::move(busy));
  }
  co_return slot;
}

net::awaitable<Result<void>> attempt(Exchange& x, const Route& route, protocol::Body& body) {
  x.refusal.reset();
  const Upstream& upstream = *route.upstream;
  const UpstreamEndpoint& endpoint = *find_endpoint(upstream, x.target.dialect);
  Result<Outgoing> outgoing = write_request(x, route, endpoint, body);
  if (!outgoing) co_return fail(std::move(outgoing.error()));
  const std::size_t made = outgoing->made ? outgoing->made->size() : 0;
  if (Result<void> held = x.call.hold_memory(body.bytes().size() + made + x.kept_bytes()); !held)
    co_return fail(std::move(held.error()));
  const std::string_view bytes = outgoing->made ? *outgoing->made : body.bytes();
  const net::Headers headers = request_headers(x, upstream, endpoint);

  Begun& begun = x.answer;
  Result<Slots::Slot> slot = co_await take_slot(x, upstream);
  if (!slot) co_return fail(std::move(slot.error()));
  begun.slot = std::move(*slot);

  net::Patience patience = upstream.config.patience;
  if (!x.facts.stream) patience.first_byte = upstream.config.plain_answer;
  const net::OutgoingRequest request{
      .method = "POST", .path = endpoint.path, .headers = &headers, .body = bytes};
  std::expected<std::unique_ptr<net::Answer>, net::Failure> answer =
      co_await x.lines->pool_of(upstream).ask(request, patience, x.cancel);
  if (!answer) co_return fail(fault_of(answer.error(), x));
  begun.upstream = std::move(*answer);

  if (begun.upstream->status() != 200) {
    const Result<void> refusal = co_await read_refusal(x, upstream, endpoint, *begun.upstream);
    co_return fail(refusal.error());
  }
  Result<void> opened = co_await open_answer(x, endpoint);
  if (!opened) co_return fail(std::move(opened.error()));
  x.hold->answered();
  std::ranges::move(outgoing->warnings, std::back_inserter(x.warnings));
  std::ranges::move(begun.whole.warnings, std::back_inserter(x.warnings));
  co_return Result<void>{};
}

}  // namespace

// An allow-list (promises, section 3).
net::Headers request_headers(const Exchange& x, const Upstream& upstream,
                             const UpstreamEndpoint& endpoint) {
  const bool to_messages = endpoint.speaks == Protocol::anthropic_messages;
  net::Headers headers;
  headers.add("content-type", "application/json");
  const bool streams = x.facts.stream || (x.draft && x.draft->streams_upstream);
  headers.add("accept", streams ? "text/event-stream" : "application/json");
  headers.add("accept-encoding", "identity");
  if (upstream.config.auth == UpstreamAuth::jwt)
    headers.add("authorization",
                "Bearer " + accounts::sign_jwt(upstream.config.key, x.at.gateway.clock.utc_ms()));
  else if (to_messages && upstream.config.provider == ProviderKind::engine &&
           !upstream.config.key.empty())
    headers.add("x-api-key", upstream.config.key.reveal());
  else if (!upstream.authorization.empty())
    headers.add("authorization", upstream.authorization);
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

net::awaitable<Result<void>> ask(Exchange& x, protocol::Body& body) {
  const std::vector<Route>& routes = x.routes.best_first;
  const auto next = [&x](std::size_t from) {
    return x.routes.next_open(from, x.at.gateway.clock.utc_ms());
  };
  std::size_t at = 0;  // a closed route stands behind the plan that closes it
  while (true) {
    const Route& route = routes[at];
    x.route = &route;
    ++x.tries;
    const auto started = std::chrono::steady_clock::now();
    Result<void> begun = co_await attempt(x, route, body);
    const auto took = std::chrono::steady_clock::now() - started;
    x.asking += took;
    note_attempt(x, took, begun ? nullptr : &begun.error());
    if (begun) co_return begun;
    x.answer = {};  // closes the connection, and frees the slot
    hide_key(*route.upstream, begun.error());
    let_rest(x, *route.upstream, begun.error());
    const std::size_t then = next(at + 1);
    if (then == routes.size() || static_cast<std::size_t>(x.tries) == kMaxTries ||
        !may_go_elsewhere(begun.error()) || x.call.client_gone() || x.call.shutting_down()) {
      advise(x, begun.error());
      co_return begun;
    }
    log::write(log::Level::warn, "failover",
               {{"id", x.id},
                {"from", route.upstream->config.name},
                {"to", routes[then].upstream->config.name},
                {"fault", name(begun.error().code)},
                {"glm_code", begun.error().glm_code},
                {"why", begun.error().for_us}});
    at = then;
  }
}

}  // namespace glmgate::gateway
