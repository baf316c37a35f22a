#include "gateway/count.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/ask.h"
#include "gateway/translation.h"
#include "protocol/messages_to_chat.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using protocol::Protocol;

using Count = std::optional<std::int64_t>;

// Over land and sea, and still within the second.
constexpr net::Patience kPatience{
    .connect = 450ms, .first_byte = 400ms, .idle = 50ms, .write_stall = 50ms};
constexpr auto kTimeForAnother = 400ms;  // after a first one that took less
constexpr std::size_t kMostAnswer = 64 * 1024;
// How long a counter is not asked that is none, or said nothing in time: clients count often.
constexpr UtcMillis kRest = 10 * 60 * 1000;
constexpr UtcMillis kShortRest = 30 * 1000;
// What is longer may take its time: that says nothing of the counter.
constexpr std::size_t kQuicklyCounted = 256 * 1024;
constexpr std::string_view kTokenizerModels[] = {"glm-4.6", "glm-4.6v", "glm-4.5", "glm-4.5-air",
                                                 "glm-4-air"};

/// A counter, and when it may be asked again.
struct Counter {
  const Upstream& upstream;
  const UpstreamEndpoint& endpoint;
  std::string path;
  std::atomic<std::int64_t>& rests_until;
};

/// What one request's bad luck says of the counter: a bad request, or a client that left, nothing.
UtcMillis rest_after(int status) {
  switch (status) {
    case 404:
    case 405:
    case 501:
      return kRest;
    default:
      return 0;
  }
}

UtcMillis rest_after(const net::Failure& failure, std::size_t body_bytes) {
  if (failure.error == net::IoError::aborted) return 0;
  if (failure.error == net::IoError::timeout && body_bytes > kQuicklyCounted) return 0;
  return kShortRest;
}

Count read_count(std::string_view answer) {
  const auto document = json::parse(answer);
  if (!document) return std::nullopt;
  const json::value* const usage = json::find(*document, "usage");
  const json::value* const count =
      usage != nullptr ? json::find(*usage, "total_tokens") : json::find(*document, "input_tokens");
  if (count == nullptr || !count->is_int64() || count->as_int64() < 0) return std::nullopt;
  return count->as_int64();
}

bool rests(const Exchange& x, const std::atomic<std::int64_t>& until) {
  return until.load() > x.at.gateway.clock.utc_ms();
}

net::awaitable<Count> ask_counter(Exchange& x, Counter counter, std::string_view body) {
  const net::Headers headers = request_headers(x, counter.upstream, counter.endpoint);
  const net::OutgoingRequest request{
      .method = "POST", .path = counter.path, .headers = &headers, .body = body};
  auto answer = co_await x.lines->pool_of(counter.upstream).ask(request, kPatience, x.cancel);
  UtcMillis rest = 0;
  if (!answer) {
    rest = rest_after(answer.error(), body.size());
  } else if ((*answer)->status() != 200) {
    rest = rest_after((*answer)->status());
  } else {
    const auto text = co_await (*answer)->read_all(kMostAnswer, kPatience.idle);
    if (!text) {
      rest = rest_after(text.error(), body.size());
    } else {
      const Count count = read_count(*text);
      if (count) co_return count;
      rest = kRest;  // what answers, but does not count, is no counter
    }
  }
  if (rest > 0) counter.rests_until = x.at.gateway.clock.utc_ms() + rest;
  co_return std::nullopt;
}

/// Of the Anthropic endpoint itself.
net::awaitable<Count> ask_messages(Exchange& x, const Route& route, protocol::Body& body) {
  const UpstreamEndpoint* const endpoint = find_own(*route.upstream, Protocol::anthropic_messages);
  if (endpoint == nullptr || rests(x, route.upstream->health->count_tokens_rests_until_ms))
    co_return std::nullopt;
  Result<Outgoing> outgoing = write_request(x, route, *endpoint, body);
  if (!outgoing) co_return std::nullopt;
  const Counter counter{.upstream = *route.upstream,
                        .endpoint = *endpoint,
                        .path = endpoint->path + "/count_tokens",
                        .rests_until = route.upstream->health->count_tokens_rests_until_ms};
  const std::string_view bytes = outgoing->made ? *outgoing->made : body.bytes();
  const Count count = co_await ask_counter(x, counter, bytes);
  co_return count;
}

/// The request of the vendor's tokenizer (glm-api 7.3), which knows few models.
Result<std::string> write_tokenizer_request(const Exchange& x, const Route& route,
                                            const protocol::Body& body) {
  const Result<protocol::ChatDraft> draft =
      protocol::messages_to_chat(body, {.to_glm = true, .seal = &x.at.gateway.seal});
  if (!draft) return fail(draft.error());
  const Result<protocol::Body> chat = protocol::Body::read(draft->body, protocol::kDraftLimits);
  if (!chat) return fail(chat.error());
  const bool knows = std::ranges::find(kTokenizerModels, route.model) != std::end(kTokenizerModels);
  const std::string_view model = knows                ? std::string_view(route.model)
                                 : x.facts.has_images ? "glm-4.6v"
                                                      : "glm-4.6";
  std::string request = R"({"model":)" + json::quote(model) + R"(,"messages":)" +
                        std::string(chat->root().find("messages").raw());
  if (const protocol::JsonView tools = chat->root().find("tools"); tools.given())
    request += R"(,"tools":)" + std::string(tools.raw());
  return request + "}";
}

net::awaitable<Count> ask_tokenizer(Exchange& x, const Route& route, const protocol::Body& body) {
  const UpstreamEndpoint* const endpoint = find_own(*route.upstream, Protocol::glm);
  if (endpoint == nullptr || route.upstream->config.provider == ProviderKind::engine ||
      rests(x, route.upstream->health->tokenizer_rests_until_ms))
    co_return std::nullopt;
  const Result<std::string> request = write_tokenizer_request(x, route, body);
  if (!request) co_return std::nullopt;
  const Counter counter{.upstream = *route.upstream,
                        .endpoint = *endpoint,
                        .path = route.upstream->url.path + "/tokenizer",
                        .rests_until = route.upstream->health->tokenizer_rests_until_ms};
  const Count count = co_await ask_counter(x, counter, *request);
  co_return count;
}

/// Who counts serves nobody meanwhile: nothing for what is too long.
Count count_by_vocabulary(const Exchange& x, const protocol::Body& body) {
  constexpr std::size_t kMostCounted = 2 * 1024 * 1024;  // a quarter of a second at worst
  const protocol::Vocabulary* const vocabulary = x.setup().config.vocabulary.get();
  if (vocabulary == nullptr || body.bytes().size() > kMostCounted) return std::nullopt;
  const Result<protocol::Facts> facts = protocol::read_count_tokens_facts(body, vocabulary);
  return facts ? Count(facts->input_estimate) : std::nullopt;
}

}  // namespace

net::awaitable<Result<void>> serve_count(Exchange& x, protocol::Body body) {
  Result<protocol::Facts> facts = protocol::read_count_tokens_facts(body);
  if (!facts) co_return fail(std::move(facts.error()));
  x.facts = std::move(*facts);
  Result<Routes> routes = choose_routes(x.setup(), x.facts.model, x.target.service,
                                        x.at.gateway.clock.utc_ms(), x.target.dialect);
  if (!routes) co_return fail(std::move(routes.error()));
  x.routes = std::move(*routes);
  x.warnings = x.routes.warnings;
  x.call.on_client_gone([&x] { x.cancel.abort(); });

  const Route& best = x.routes.best_first.front();
  const auto began = std::chrono::steady_clock::now();
  Count count = co_await ask_messages(x, best, body);
  if (!count && std::chrono::steady_clock::now() - began < kTimeForAnother)
    count = co_await ask_tokenizer(x, best, body);
  x.call.on_client_gone({});
  if (!count) count = count_by_vocabulary(x, body);
  if (!count) x.warnings.emplace_back("tokens_estimated");
  x.status = 200;
  const net::Headers headers = answer_headers(x, "application/json");
  const std::string text =
      "{\"input_tokens\":" + std::to_string(count.value_or(x.facts.input_estimate)) + "}";
  co_await x.call.send(200, headers, text);
  co_return Result<void>{};
}

}  // namespace glmgate::gateway
