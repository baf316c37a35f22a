// GET /models and /models/{id}: the catalogue's models, the configuration's, and those that engines
// list by themselves.
#include <algorithm>
#include <string>

#include "base/models.h"
#include "gateway/ask.h"
#include "gateway/exchange.h"
#include "gateway/query.h"

namespace glmgate::gateway {
namespace {

using namespace std::chrono_literals;
using protocol::Protocol;

// A picker waits for the list: no engine is begun with that has not the least of this left.
constexpr auto kTime = 2s;
constexpr auto kLeast = 500ms;
constexpr net::Patience kPatience{
    .connect = 800ms, .first_byte = 1500ms, .idle = 500ms, .write_stall = 500ms};
constexpr std::size_t kMostBytes = 1024 * 1024;

/// Where the list stands beside an endpoint: "/v1/chat/completions" has "/v1/models".
std::string models_path(const UpstreamEndpoint& endpoint) {
  std::string_view path = endpoint.path;
  for (const std::string_view own : {"/chat/completions", "/messages", "/responses"})
    if (path.ends_with(own)) {
      path.remove_suffix(own.size());
      break;
    }
  const bool in_pages = endpoint.speaks == Protocol::anthropic_messages;
  return std::string(path) + (in_pages ? "/models?limit=1000" : "/models");
}

bool lists_by_itself(const Upstream& upstream) {
  return upstream.config.provider == ProviderKind::engine &&
         std::ranges::any_of(upstream.config.models, [](const std::string& pattern) {
           return pattern.find('*') != std::string::npos;
         });
}

/// The whole body until `deadline`, however slowly it comes.
net::awaitable<std::optional<std::string>> read_list(net::Answer& answer, net::TimePoint deadline) {
  std::string body;
  while (true) {
    const net::Io<std::string_view> bytes = co_await answer.read(deadline);
    if (!bytes || body.size() + bytes->size() > kMostBytes) co_return std::nullopt;
    if (bytes->empty()) co_return body;
    body += *bytes;
  }
}

net::awaitable<void> ask_for_list(Exchange& x, const Upstream& upstream, net::TimePoint deadline) {
  const UpstreamEndpoint& endpoint = upstream.endpoints.front();
  const std::string path = models_path(endpoint);
  const net::Headers headers = request_headers(x, upstream, endpoint);
  const net::OutgoingRequest request{
      .method = "GET", .path = path, .headers = &headers, .body = {}};
  auto answer = co_await x.lines->pool_of(upstream).ask(request, kPatience, x.cancel);
  if (!answer || (*answer)->status() != 200) co_return;
  const std::optional<std::string> body = co_await read_list(**answer, deadline);
  if (!body) co_return;
  if (auto models = protocol::read_models(*body); models)
    upstream.health->models.replace(std::move(*models), x.at.gateway.clock.utc_ms());
}

/// Asks the engines of the service whose lists are old.
net::awaitable<void> freshen(Exchange& x) {
  const auto deadline = std::chrono::steady_clock::now() + kTime;
  x.call.on_client_gone([&x] { x.cancel.abort(); });
  const std::vector<const Upstream*> upstreams = find_service(x.setup(), x.target.service);
  for (const Upstream* upstream : upstreams) {
    if (!lists_by_itself(*upstream)) continue;
    if (std::chrono::steady_clock::now() + kLeast > deadline) break;
    if (!upstream->health->models.take_turn(x.at.gateway.clock.utc_ms())) continue;
    co_await ask_for_list(x, *upstream, deadline);
  }
  x.call.on_client_gone({});
}

protocol::ModelEntry entry_of(const std::string& id, const Upstream& upstream) {
  protocol::ModelEntry entry{.id = id, .display_name = id};
  entry.owned_by = upstream.kind().owned_by;
  if (const Model* model = find_model(id)) {
    entry.display_name = model->display_name;
    entry.created = model->released;
    entry.context_window = model->context_window;
    entry.max_output = model->max_output;
  }
  const auto own = upstream.health->models.entries();
  const auto said = std::ranges::find(*own, id, &protocol::ModelEntry::id);
  if (said == own->end()) return entry;
  if (!said->display_name.empty()) entry.display_name = said->display_name;
  if (said->created > 0) entry.created = said->created;
  if (said->context_window > 0) entry.context_window = said->context_window;
  return entry;
}

std::vector<protocol::ModelEntry> model_entries(const Exchange& x) {
  std::vector<protocol::ModelEntry> entries;
  for (const ListedModel& each : list_models(x.setup(), x.target.service))
    entries.push_back(entry_of(each.id, *each.upstream));
  return entries;
}

/// Claude Code looks at no model whose name does not begin like this (wire-protocols 1.12).
void add_aliases(const Exchange& x, std::vector<protocol::ModelEntry>& entries) {
  if (!x.call.request().headers.find("user-agent").starts_with("claude-c")) return;
  const std::size_t count = entries.size();
  for (std::size_t i = 0; i < count; ++i) {
    protocol::ModelEntry alias = entries[i];
    alias.id.insert(0, "anthropic/");
    entries.push_back(std::move(alias));
  }
}

/// What an engine has loaded it may not list, and the configuration's patterns are the operator's
/// word. Of the four providers the catalogue knows better than "*".
bool is_served(const Route& route) {
  return route.upstream->config.provider == ProviderKind::engine ||
         route.upstream->names(route.model);
}

}  // namespace

net::awaitable<Result<void>> serve_models(Exchange& x) {
  co_await freshen(x);
  std::vector<protocol::ModelEntry> entries = model_entries(x);
  add_aliases(x, entries);
  if (find_service(x.setup(), x.target.service).empty())
    co_return fail(FaultCode::unknown_path, "There is no service `" + x.target.service + "` here.");
  const std::string_view query = x.call.request().query;
  protocol::ModelsPage page;
  page.after_id = query_value(query, "after_id");
  page.before_id = query_value(query, "before_id");
  if (const std::string_view text = query_value(query, "limit"); !text.empty()) {
    const std::optional<std::int64_t> limit = query_number(text, 1, 1000);
    if (!limit)
      co_return fail(FaultCode::bad_value, "`limit` is a number from 1 to 1000.", "limit");
    page.limit = *limit;
  }
  x.status = 200;
  const net::Headers headers = answer_headers(x, "application/json");
  const std::string body = protocol::write_models(entries, page);
  co_await x.call.send(200, headers, body);
  co_return Result<void>{};
}

net::awaitable<Result<void>> serve_model(Exchange& x) {
  co_await freshen(x);
  const Result<Routes> routes =
      choose_routes(x.setup(), x.target.id, x.target.service, x.at.gateway.clock.utc_ms());
  if (!routes) co_return fail(routes.error());
  const std::string& id = routes->best_first.front().model;
  const std::vector<protocol::ModelEntry> entries = model_entries(x);
  const auto listed = std::ranges::find(entries, id, &protocol::ModelEntry::id);
  const auto served = std::ranges::find_if(routes->best_first, is_served);
  if (listed == entries.end() && served == routes->best_first.end())
    co_return fail(FaultCode::model_not_found,
                   "The model `" + x.target.id + "` does not exist." +
                       did_you_mean(x.setup(), id, x.target.service),
                   "model");
  x.status = 200;
  const net::Headers headers = answer_headers(x, "application/json");
  std::string body;
  if (listed != entries.end())
    body = protocol::write_model(*listed);
  else
    body = protocol::write_model(entry_of(id, *served->upstream));
  co_await x.call.send(200, headers, body);
  co_return Result<void>{};
}

}  // namespace glmgate::gateway
