#include "protocol/responses_store.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/json.h"
#include "protocol/json_scan.h"
#include "protocol/json_text.h"
#include "protocol/responses_request.h"
#include "protocol/sse.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kEntryBytes = 512;       // of maps and lists, about
constexpr std::size_t kMostItems = 100;        // of a page
constexpr std::size_t kLongestChain = 10'000;  // of responses: no request has more items

/// Of items as they are stored: the text of an array of them, scanned.
class Items {
 public:
  explicit Items(std::string_view elements) : text_("[" + std::string(elements) + "]") {
    auto tape = JsonTape::scan(text_, {.depth = 80, .rigor = JsonRigor::upstream});
    if (tape) tape_ = std::move(*tape);
    scanned_ = tape.has_value();
  }
  Items(const Items&) = delete;
  Items& operator=(const Items&) = delete;

  JsonView first() const { return scanned_ ? tape_.root(text_).first() : JsonView(); }

 private:
  std::string text_;
  JsonTape tape_;
  bool scanned_ = false;
};

Fault history_too_long(std::size_t most) {
  return make_fault(FaultCode::body_too_large,
                    "The conversation before this request is too long to be continued: with it, "
                    "the request would have more than " +
                        std::to_string(kLongestChain) + " responses or " + std::to_string(most) +
                        " bytes. Begin a new one.",
                    "previous_response_id");
}

std::string id_of(JsonView item) { return item.find("id").string().value_or(""); }

void append_element(std::string& out, std::string_view element) {
  if (!out.empty() && !element.empty()) out += ',';
  out += element;
}

/// Elements of an array, or the message that a plain string is.
std::string elements_of(JsonView input) {
  if (input.is(JsonType::string))
    return R"({"type":"message","role":"user","content":[{"type":"input_text","text":)" +
           std::string(input.raw()) + "}]}";
  if (!input.is(JsonType::array) || !input.first().present()) return {};
  return std::string(input.raw().substr(1, input.raw().size() - 2));
}

/// As it is listed later: with an id and a type, and a message's plain text as a part.
void append_item(std::string& out, JsonView item, const std::string& own_id) {
  const bool is_message = !item.find("type").given() && item.find("role").given();
  out += '{';
  if (!item.find("id").given()) out += R"("id":)" + json::quote(own_id) + ",";
  if (is_message) out += R"("type":"message",)";
  for (JsonView member = item.first(); member.present(); member = member.after()) {
    const bool is_text = member.key_equals("content") && member.is(JsonType::string);
    if (member.key_equals("id") && !member.given()) continue;
    out += json::quote(member.key()) + ":";
    if (is_text)
      out += item.find("role").equals("assistant") ? R"([{"type":"output_text","text":)"
                                                   : R"([{"type":"input_text","text":)";
    out += member.raw();
    out += is_text ? "}]," : ",";
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
}

}  // namespace

bool ResponsesStore::put(std::string_view tenant, StoredResponse response, UtcMillis now) {
  Entry entry;
  entry.tenant = tenant;
  std::vector<Place> places;
  const Items items(response.output);
  for (JsonView item = items.first(); item.present(); item = item.after()) {
    std::string id = id_of(item);
    if (id.empty()) continue;
    entry.item_ids.push_back(std::move(id));
    places.push_back({response.id, item.begin() - 1, item.raw().size()});  // Items adds a bracket
  }
  entry.bytes = kEntryBytes + response.input.size() + response.output.size() +
                response.response.size() + response.id.size();
  for (const std::string& id : entry.item_ids) entry.bytes += 2 * id.size() + kEntryBytes / 4;
  entry.stored = std::move(response);
  entry.used = now;
  const std::size_t most = std::min(limits_.tenant_bytes, limits_.total_bytes);
  if (entry.bytes > most) return false;

  const std::lock_guard lock(mutex_);
  drop_old(now);
  if (Entries::iterator* const old = locate(tenant, entry.stored.id)) drop(*old);
  // The oldest of this tenant first, then of all: one tenant does not push the others out early.
  for (auto of = tenants_.find(tenant);
       of != tenants_.end() && of->second.bytes + entry.bytes > limits_.tenant_bytes;
       of = tenants_.find(tenant))
    drop(of->second.by_use.begin()->second);
  while (bytes_ + entry.bytes > limits_.total_bytes) drop(entries_.begin());

  bytes_ += entry.bytes;
  entry.use = ++uses_;
  entries_.push_back(std::move(entry));
  const Entry& kept = entries_.back();
  Tenant& of = tenants_[kept.tenant];
  of.bytes += kept.bytes;
  of.responses[kept.stored.id] = std::prev(entries_.end());
  of.by_use[kept.use] = std::prev(entries_.end());
  for (std::size_t i = 0; i < places.size(); ++i)
    of.items.insert_or_assign(kept.item_ids[i], std::move(places[i]));
  return true;
}

std::optional<StoredResponse> ResponsesStore::find(std::string_view tenant, std::string_view id,
                                                   UtcMillis now) {
  const std::lock_guard lock(mutex_);
  drop_old(now);
  Entries::iterator* const found = locate(tenant, id);
  if (found == nullptr) return std::nullopt;
  touch(*found, now);
  return (*found)->stored;
}

bool ResponsesStore::remove(std::string_view tenant, std::string_view id, UtcMillis now) {
  const std::lock_guard lock(mutex_);
  drop_old(now);
  Entries::iterator* const found = locate(tenant, id);
  if (found == nullptr) return false;
  drop(*found);
  return true;
}

Result<std::optional<std::string>> ResponsesStore::find_history(std::string_view tenant,
                                                                std::string_view id,
                                                                std::size_t most, UtcMillis now) {
  const std::lock_guard lock(mutex_);
  drop_old(now);
  std::vector<Entries::iterator> chain;  // newest first
  std::size_t bytes = 0;
  for (std::string_view next = id; !next.empty(); next = chain.back()->stored.previous) {
    Entries::iterator* const found = locate(tenant, next);
    // A chain cannot be longer than the store, unless it goes round.
    if (found == nullptr || chain.size() == entries_.size()) return std::nullopt;
    chain.push_back(*found);
    bytes += (*found)->stored.input.size() + (*found)->stored.output.size() + 2;
    if (bytes > most || chain.size() > kLongestChain) return fail(history_too_long(most));
  }
  std::string history;
  history.reserve(bytes);
  for (auto entry = chain.rbegin(); entry != chain.rend(); ++entry) {
    append_element(history, (*entry)->stored.input);
    append_element(history, (*entry)->stored.output);
  }
  // The newest last: of a conversation the end is worth as much as all of it.
  for (auto entry = chain.rbegin(); entry != chain.rend(); ++entry) touch(*entry, now);
  return history;
}

std::optional<std::string> ResponsesStore::find_item(std::string_view tenant,
                                                     std::string_view item_id, UtcMillis now) {
  const std::lock_guard lock(mutex_);
  drop_old(now);
  const auto of = tenants_.find(tenant);
  if (of == tenants_.end()) return std::nullopt;
  const auto item = of->second.items.find(item_id);
  if (item == of->second.items.end()) return std::nullopt;
  const Place& place = item->second;
  Entries::iterator* const found = locate(tenant, place.response);
  if (found == nullptr) return std::nullopt;
  touch(*found, now);
  return (*found)->stored.output.substr(place.begin, place.size);
}

std::size_t ResponsesStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

ResponsesStore::Entries::iterator* ResponsesStore::locate(std::string_view tenant,
                                                          std::string_view id) {
  const auto of = tenants_.find(tenant);
  if (of == tenants_.end()) return nullptr;
  const auto found = of->second.responses.find(id);
  return found == of->second.responses.end() ? nullptr : &found->second;
}

void ResponsesStore::touch(Entries::iterator entry, UtcMillis now) {
  Tenant& of = tenants_.find(entry->tenant)->second;
  of.by_use.erase(entry->use);
  entry->use = ++uses_;
  of.by_use[entry->use] = entry;
  entry->used = std::max(entry->used, now);
  entries_.splice(entries_.end(), entries_, entry);
}

void ResponsesStore::drop(Entries::iterator entry) {
  const auto of = tenants_.find(entry->tenant);
  for (const std::string& id : entry->item_ids)
    if (const auto item = of->second.items.find(id);
        item != of->second.items.end() && item->second.response == entry->stored.id)
      of->second.items.erase(item);
  of->second.responses.erase(entry->stored.id);
  of->second.by_use.erase(entry->use);
  of->second.bytes -= entry->bytes;
  bytes_ -= entry->bytes;
  if (of->second.responses.empty()) tenants_.erase(of);
  entries_.erase(entry);
}

void ResponsesStore::drop_old(UtcMillis now) {
  const UtcMillis oldest = now - limits_.keep.count();
  while (!entries_.empty() && entries_.front().used < oldest) drop(entries_.begin());
}

std::string stored_input(const Body& body, std::string_view response_id) {
  std::string_view base = response_id;
  if (base.starts_with("resp_")) base.remove_prefix(5);
  const std::string elements = elements_of(body.root().find("input"));
  const Items items(elements);
  std::string out;
  std::size_t index = 0;
  for (JsonView item = items.first(); item.present(); item = item.after(), ++index) {
    if (!out.empty()) out += ',';
    if (item.is(JsonType::object))
      append_item(out, item, "in_" + std::string(base) + "_" + std::to_string(index));
    else
      out += item.raw();
  }
  return out;
}

std::string with_history(const Body& body, std::string_view history) {
  const JsonView root = body.root();
  std::string out;
  out.reserve(history.size() + body.bytes().size() + 128);
  out += '{';
  for (JsonView member = root.first(); member.present(); member = member.after()) {
    if (member.key_equals("previous_response_id") || member.key_equals("input")) continue;
    ((out += json::quote(member.key())) += ':') += member.raw();
    out += ',';
  }
  (out += R"("input":[)") += history;
  const std::string own = elements_of(root.find("input"));
  if (!history.empty() && !own.empty()) out += ',';
  return (out += own) += "]}";
}

Result<std::string> with_items(
    const Body& body, std::size_t most,
    const std::function<std::optional<std::string>(std::string_view item_id)>& find) {
  const JsonView input = body.root().find("input");
  std::string out;
  std::unordered_set<std::string> seen;
  std::size_t copied = 0;
  std::size_t index = 0;
  for (JsonView item = input.first(); item.present(); item = item.after(), ++index) {
    if (!item.find("type").equals("item_reference")) continue;
    const std::string id = id_of(item);
    if (!seen.insert(id).second)
      return fail(FaultCode::bad_value,
                  "Duplicate item found with id " + shorten(id, 128) +
                      ". Remove duplicate items from your input and try again.",
                  "input[" + std::to_string(index) + "].id");
    const auto found = find(id);
    if (!found) {
      Fault fault = item_not_found(id);
      fault.param = "input[" + std::to_string(index) + "].id";
      return fail(std::move(fault));
    }
    out += body.bytes().substr(copied, item.begin() - copied);
    out += *found;
    copied = item.end();
    if (out.size() + body.bytes().size() - copied > most)
      return fail(FaultCode::body_too_large,
                  "With what its item references stand for the request would be larger than " +
                      std::to_string(most) + " bytes.",
                  "input[" + std::to_string(index) + "].id");
  }
  out += body.bytes().substr(copied);
  return out;
}

std::optional<StoredResponse> read_finished_response(std::string object) {
  const auto tape = JsonTape::scan(object, {.rigor = JsonRigor::upstream});
  if (!tape) return std::nullopt;
  const JsonView root = tape->root(object);
  const JsonView status = root.find("status");
  if (!status.equals("completed") && !status.equals("incomplete")) return std::nullopt;
  StoredResponse stored;
  stored.id = id_of(root);
  stored.output = elements_of(root.find("output"));
  if (stored.id.empty()) return std::nullopt;
  stored.response = std::move(object);
  return stored;
}

std::string read_last_response(std::string_view events) {
  std::string object;
  const SseReader::OnEvent on_event = [&](const SseEvent& event) -> Result<void> {
    const auto tape = JsonTape::scan(event.data, {.rigor = JsonRigor::upstream});
    if (!tape) return {};
    const JsonView response = tape->root(event.data).find("response");
    if (response.is(JsonType::object)) object = response.raw();
    return {};
  };
  SseReader reader(events.size());
  if (reader.feed(events, on_event)) (void)reader.finish(on_event);
  return object;
}

std::string write_input_items(const StoredResponse& stored, const ItemsPage& page) {
  const Items items(stored.input);
  std::vector<JsonView> all;
  for (JsonView item = items.first(); item.present(); item = item.after()) all.push_back(item);
  if (page.newest_first) std::reverse(all.begin(), all.end());
  auto begin = all.begin();
  if (!page.after.empty()) {
    const auto found = std::find_if(
        all.begin(), all.end(), [&](JsonView item) { return item.find("id").equals(page.after); });
    begin = found == all.end() ? all.end() : found + 1;
  }
  const std::size_t limit = std::clamp<std::size_t>(page.limit, 1, kMostItems);
  const auto left = static_cast<std::size_t>(all.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limit, left));
  std::string data;
  for (auto item = begin; item != end; ++item) append_element(data, item->raw());
  const auto id = [](JsonView item) {
    const std::string text = id_of(item);
    return text.empty() ? std::string("null") : json::quote(text);
  };
  return R"({"object":"list","data":[)" + data + R"(],"first_id":)" +
         (begin == end ? "null" : id(*begin)) + R"(,"last_id":)" +
         (begin == end ? "null" : id(*(end - 1))) + R"(,"has_more":)" +
         (left > limit ? "true" : "false") + "}";
}

std::string write_deleted_response(std::string_view id) {
  return R"({"id":)" + json::quote(id) + R"(,"object":"response","deleted":true})";
}

}  // namespace glmgate::protocol
