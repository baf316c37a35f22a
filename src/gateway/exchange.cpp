#include "gateway/exchange.h"

#include "base/id.h"
#include "base/log.h"
#include "base/models.h"
#include "gateway/ask.h"
#include "gateway/cors.h"
#include "gateway/count.h"
#include "gateway/media.h"
#include "gateway/relay.h"
#include "gateway/stored.h"
#include "gateway/translation.h"
#include "gateway/unknown_path.h"
#include "protocol/responses_request.h"

namespace glmgate::gateway {
namespace {

using protocol::Protocol;

bool contains(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

/// Z.AI's Java SDK reads error bodies strictly (glm-api 10.2).
bool is_java(const net::Headers& headers) {
  return contains(headers.find("x-source-channel"), "java") ||
         headers.find("user-agent").starts_with("okhttp/");
}

/// Who is there, and may they come in.
Result<void> admit(Exchange& x) {
  const net::Headers& headers = x.call.request().headers;
  std::string_view plain_key = headers.find("x-api-key");
  if (plain_key.empty()) plain_key = headers.find("api-key");
  if (plain_key.empty()) plain_key = headers.find("x-goog-api-key");
  const Result<const accounts::Key*> key =
      x.keys->admit({headers.find("authorization"), plain_key}, x.at.gateway.clock.utc_ms());
  if (!key) return fail(key.error());
  x.key = *key;
  return {};
}

Result<void> check_media(const net::Headers& headers) {
  // What a body is, its bytes tell: clients send JSON as text/plain, as a form (curl -d), or as
  // nothing. A file is no JSON.
  if (is_media(headers.find("content-type"), "multipart/"))
    return fail(FaultCode::unsupported_media,
                "This path takes a JSON body: send `content-type: application/json`.");
  return {};
}

/// The whole body, checked once.
net::awaitable<Result<protocol::Body>> read_request(Exchange& x) {
  if (Result<void> media = check_media(x.call.request().headers); !media)
    co_return fail(media.error());
  Result<std::string> bytes = co_await x.call.read_body();
  if (!bytes) co_return fail(std::move(bytes.error()));
  x.body_read = std::chrono::steady_clock::now();
  co_return protocol::Body::read(std::move(*bytes), protocol::JsonLimits{});
}

Result<accounts::Hold> hold(const Exchange& x, UtcMillis now) {
  const Route& best = x.routes.best_first.front();
  return x.at.gateway.ledger.hold(
      {.at = now,
       .request_id = x.id,
       .key = x.key->number,
       .model = best.model,
       .upstream = best.upstream->config.name,
       .client = protocol::name(x.target.dialect),
       .stream = x.facts.stream,
       .input_estimate = x.facts.input_estimate,
       .weight_milli = best.known == nullptr ? kDefaultWeightMilli : best.known->weight_milli,
       .billing = billing(best.upstream->kind())});
}

Result<protocol::Facts> read_facts(const Exchange& x, const protocol::Body& body) {
  // Who counts serves nobody meanwhile: what is long is estimated.
  constexpr std::size_t kMostCounted = 64 * 1024;
  const protocol::Vocabulary* const vocabulary =
      body.bytes().size() <= kMostCounted ? x.setup().config.vocabulary.get() : nullptr;
  switch (x.asked_in) {
    case Protocol::anthropic_messages:
      return protocol::read_messages_facts(body, vocabulary);
    case Protocol::anthropic_complete:
      return protocol::read_complete_facts(body, vocabulary);
    case Protocol::openai_responses:
      return protocol::read_responses_facts(body, vocabulary);
    case Protocol::openai_chat:
    case Protocol::glm:
      break;
  }
  return protocol::read_chat_facts(body, vocabulary);
}

/// What is decided before an upstream is asked: what the request is, who shall get it, and that it
/// is on the books.
Result<void> prepare(Exchange& x, protocol::Body& body) {
  if (x.target.dialect == Protocol::openai_chat && protocol::is_responses_body(body))
    x.asked_in = Protocol::openai_responses;
  if (x.asked_in == Protocol::openai_responses)
    if (Result<void> recalled = recall(x, body); !recalled) return recalled;
  Result<protocol::Facts> facts = read_facts(x, body);
  if (!facts) return fail(std::move(facts.error()));
  x.facts = std::move(*facts);
  const UtcMillis now = x.at.gateway.clock.utc_ms();
  Result<Routes> routes =
      choose_routes(x.setup(), x.facts.model, x.target.service, now, x.target.dialect);
  if (!routes) return fail(std::move(routes.error()));
  if (Result<void> kept = keep_spoken_to(*routes, x.target.dialect); !kept) return kept;
  x.routes = std::move(*routes);
  x.warnings = x.routes.warnings;
  Result<accounts::Hold> held = hold(x, now);
  if (!held) return fail(std::move(held.error()));
  x.hold.emplace(std::move(*held));
  return {};
}

/// Reads the request and asks. Nothing of it is left when the answer has begun: an agent's body is
/// large, and its stream is long.
net::awaitable<Result<void>> begin(Exchange& x) {
  Result<protocol::Body> body = co_await read_request(x);
  if (!body) co_return fail(std::move(body.error()));
  if (Result<void> prepared = prepare(x, *body); !prepared) co_return prepared;
  x.call.on_client_gone([&x] { x.cancel.abort(); });
  Result<void> begun = co_await ask(x, *body);
  if (x.cut) co_await settle_cut(x);
  if (!begun) x.hold.reset();  // else nothing was had, nothing is owed
  x.echo.reset();
  (void)x.call.hold_memory(x.kept_bytes());  // less than it was
  if (x.draft) x.draft->forget_what_was_taken();
  co_return begun;
}

/// The life of a request to a model, one call a line.
net::awaitable<Result<void>> serve_ask(Exchange& x) {
  if (Result<void> admitted = admit(x); !admitted) co_return admitted;
  if (Result<void> begun = co_await begin(x); !begun) co_return begun;
  Result<void> relayed = co_await relay(x);
  x.call.on_client_gone({});
  co_return relayed;
}

net::awaitable<Result<void>> serve_count(Exchange& x) {
  if (Result<void> admitted = admit(x); !admitted) co_return admitted;
  Result<protocol::Body> body = co_await read_request(x);
  if (!body) co_return fail(std::move(body.error()));
  Result<void> counted = co_await serve_count(x, std::move(*body));
  co_return counted;
}

net::awaitable<Result<void>> serve(Exchange& x) {
  const net::Request& request = x.call.request();
  if (is_preflight(request.method, request.headers) && !x.setup().config.allow_origins.empty())
    return serve_preflight(x);
  if (x.target.wrong_method)
    return refuse(make_fault(FaultCode::wrong_method,
                             "This path takes " + std::string(x.target.allow) + "."));
  switch (x.target.serve) {
    case Serve::ask:
      return serve_ask(x);
    case Serve::count:
      return serve_count(x);
    case Serve::models:
    case Serve::model:
      if (Result<void> admitted = admit(x); !admitted) return refuse(std::move(admitted.error()));
      return x.target.serve == Serve::models ? serve_models(x) : serve_model(x);
    case Serve::response:
    case Serve::response_items:
    case Serve::forget_response:
      if (Result<void> admitted = admit(x); !admitted) return refuse(std::move(admitted.error()));
      return serve_stored(x);
    case Serve::health:
    case Serve::ready:
      return serve_health(x);
    case Serve::root:
      return serve_root(x);
    case Serve::metrics:
      return serve_metrics(x);
    case Serve::nothing:
      break;
  }
  return refuse(make_fault(FaultCode::unknown_path, unknown_path_text(x.call.request().path)));
}

/// For who may look, and not ask.
net::awaitable<Result<void>> serve_metrics_alone(Exchange& x) {
  if (x.target.serve != Serve::metrics && x.target.serve != Serve::health &&
      x.target.serve != Serve::ready)
    return refuse(make_fault(FaultCode::unknown_path, "Here are /metrics, /healthz and /readyz."));
  return serve(x);
}

}  // namespace

Exchange::Exchange(GatewayWorker& worker, net::Call& c)
    : at(worker),
      call(c),
      id("x_" + random_base62(20)),
      target(find_target(c.request().method, c.request().path)),
      style{.client = target.dialect, .strict_java = is_java(c.request().headers)},
      lines(worker.lines()),
      keys(worker.keys()),
      asked_in(target.dialect),
      began(worker.worker.now()),
      body_read(began) {}

// However it ends: what a client's leaving would touch goes now.
Exchange::~Exchange() { call.on_client_gone({}); }

Fault shutting_down() {
  Fault fault = make_fault(FaultCode::shutting_down, "The gateway is shutting down. Try again.");
  fault.wait = std::chrono::seconds(2);
  return fault;
}

net::awaitable<Result<void>> refuse(Fault fault) { co_return fail(std::move(fault)); }

std::string id_of(const Exchange& x, std::string_view prefix) {
  return std::string(prefix) + x.id.substr(std::string_view("x_").size());
}

std::shared_ptr<const protocol::ResponsesEcho> read_echo(const Exchange& x,
                                                         const protocol::Body& body) {
  const bool is_codex = x.call.request().headers.find("originator").starts_with("codex");
  return std::make_shared<const protocol::ResponsesEcho>(protocol::read_responses_echo(
      body, is_codex ? protocol::EchoOf::all_but_bulk : protocol::EchoOf::everything));
}

std::size_t Exchange::kept_bytes() const {
  std::size_t bytes = draft ? draft->kept_bytes() : 0;
  if (echo && !draft) bytes += echo->bytes();
  if (stored) bytes += stored->input.size() + stored->previous.size();
  return bytes;
}

std::int64_t Exchange::overhead_us() const {
  const Instant until = first_byte ? *first_byte : std::chrono::steady_clock::now();
  return std::chrono::duration_cast<std::chrono::microseconds>(until - body_read - asking).count();
}

net::awaitable<void> GatewayWorker::handle_metrics(net::Call& call) {
  Exchange x(*this, call);
  x.metrics_alone = true;
  const Result<void> served = co_await serve_metrics_alone(x);
  const Fault* const fault = served ? nullptr : &served.error();
  if (fault != nullptr) co_await tell_fault(x, *fault);
  note(x, fault);
}

net::awaitable<void> GatewayWorker::handle(net::Call& call) {
  Exchange x(*this, call);
  Result<void> served = co_await serve(x);
  if (!served) hide_secrets(x, served.error());
  const Fault* const fault = served ? nullptr : &served.error();
  if (fault != nullptr) co_await tell_fault(x, *fault);
  note(x, fault);
}

}  // namespace glmgate::gateway
