#include "gateway/stored.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/query.h"
#include "protocol/responses_request.h"
#include "protocol/responses_store.h"

namespace glmgate::gateway {
namespace {

UtcMillis now(const Exchange& x) { return x.at.gateway.clock.utc_ms(); }

/// The same request with other bytes; what was checked once is checked again.
Result<void> replace(const Exchange& x, protocol::Body& body, std::string bytes) {
  if (Result<void> held = x.call.hold_memory(bytes.size()); !held) return held;
  Result<protocol::Body> read = protocol::Body::read(std::move(bytes), protocol::JsonLimits{});
  if (!read) return fail(std::move(read.error()));
  body = std::move(*read);
  return {};
}

Result<void> recall_items(const Exchange& x, protocol::ResponsesStore& store,
                          protocol::Body& body) {
  const auto find = [&](std::string_view id) {
    std::optional<std::string> item = store.find_item(x.key->id, id, now(x));
    // The reference stays: whoever translates the request drops it.
    if (!item && protocol::is_forgotten_reasoning(id))
      item = R"({"type":"item_reference","id":)" + json::quote(id) + "}";
    return item;
  };
  Result<std::string> filled = protocol::with_items(body, x.setup().config.body_bytes, find);
  if (filled)
    return *filled == body.bytes() ? Result<void>{} : replace(x, body, std::move(*filled));
  if (filled.error().code == FaultCode::not_stored) return {};
  return fail(std::move(filled.error()));
}

Result<protocol::ItemsPage> read_page(std::string_view query) {
  protocol::ItemsPage page;
  page.after = query_value(query, "after");
  page.newest_first = query_value(query, "order") != "asc";
  const std::string_view limit = query_value(query, "limit");
  if (limit.empty()) return page;
  const std::optional<std::int64_t> number = query_number(limit, 1, 100);
  if (!number) return fail(FaultCode::bad_value, "`limit` is a number from 1 to 100.", "limit");
  page.limit = static_cast<std::size_t>(*number);
  return page;
}

Result<std::string> write_stored(Exchange& x) {
  protocol::ResponsesStore* const store = x.at.gateway.responses.get();
  const std::string& id = x.target.id;
  std::optional<protocol::StoredResponse> found;
  if (store != nullptr) found = store->find(x.key->id, id, now(x));
  if (!found) return fail(protocol::response_not_found(id));
  if (x.target.serve == Serve::response) return std::move(found->response);
  if (x.target.serve == Serve::forget_response) {
    store->remove(x.key->id, id, now(x));
    return protocol::write_deleted_response(id);
  }
  const Result<protocol::ItemsPage> page = read_page(x.call.request().query);
  if (!page) return fail(page.error());
  return protocol::write_input_items(*found, *page);
}

}  // namespace

Result<void> recall(Exchange& x, protocol::Body& body) {
  protocol::ResponsesStore* const store = x.at.gateway.responses.get();
  if (store == nullptr) return {};
  auto stored = std::make_unique<StoredRequest>();
  stored->previous = protocol::previous_response_id(body);
  // Chat's answer to Cursor's Responses body is no response.
  stored->wanted =
      protocol::wants_store(body) && x.target.dialect == protocol::Protocol::openai_responses;
  if (stored->wanted) stored->input = protocol::stored_input(body, id_of(x, "resp_"));
  x.stored = std::move(stored);
  if (Result<void> items = recall_items(x, *store, body); !items) return items;
  if (x.stored->previous.empty()) return {};
  const std::size_t room =
      x.setup().config.body_bytes - std::min(body.bytes().size(), x.setup().config.body_bytes);
  Result<std::optional<std::string>> history =
      store->find_history(x.key->id, x.stored->previous, room, now(x));
  if (!history) return fail(std::move(history.error()));
  if (!*history) return {};
  // While it is joined it is there twice.
  if (Result<void> held = x.call.hold_memory(body.bytes().size() + 2 * (*history)->size()); !held)
    return held;
  x.echo = read_echo(x, body);
  return replace(x, body, protocol::with_history(body, **history));
}

void remember(const Exchange& x, std::string response) {
  std::optional<protocol::StoredResponse> stored =
      protocol::read_finished_response(std::move(response));
  if (!stored) return;
  stored->previous = x.stored->previous;
  stored->input = x.stored->input;
  x.at.gateway.responses->put(x.key->id, std::move(*stored), now(x));
}

net::awaitable<Result<void>> serve_stored(Exchange& x) {
  const Result<std::string> body = write_stored(x);
  if (!body) co_return fail(body.error());
  x.status = 200;
  const net::Headers headers = answer_headers(x, "application/json");
  co_await x.call.send(200, headers, *body);
  co_return Result<void>{};
}

}  // namespace glmgate::gateway
