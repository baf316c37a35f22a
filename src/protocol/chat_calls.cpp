#include "protocol/chat_calls.h"

#include <algorithm>

#include "protocol/answer_parts.h"
#include "protocol/stop_words.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostCalls = 1024;  // keeps the search for a fragment's call short

}  // namespace

/// The call that a fragment belongs to, or null if it begins one.
ChatCalls::Call* ChatCalls::find(JsonView entry, const std::string& id, const std::string& name) {
  const auto matching = [this](const auto& is_it) {
    const auto found = std::find_if(calls_.rbegin(), calls_.rend(), is_it);
    return found == calls_.rend() ? nullptr : &*found;
  };
  if (const auto index = entry.find("index").integer()) {
    Call* const call = matching([&](const Call& each) { return each.index == index; });
    // Some hosts count every call as 0: another id and a name behind arguments is the next call.
    const bool next = call != nullptr && call->has_arguments && !name.empty() && !id.empty() &&
                      !call->id.empty() && call->id != id;
    return next ? nullptr : call;
  }
  if (!id.empty()) return matching([&](const Call& call) { return call.id == id; });
  if (calls_.empty()) return nullptr;
  Call& last = calls_.back();
  // A name again is a repetition, but behind arguments it is the next call.
  const bool next =
      !name.empty() && !last.name.empty() && (last.has_arguments || last.name != name);
  return next ? nullptr : &last;
}

Result<void> ChatCalls::read(JsonView entry, Entries entries, const OnDelta& on_delta) {
  if (!entry.is(JsonType::object)) return {};
  const JsonView type = entry.find("type");
  JsonView function = entry.find("function");
  if (!function.is(JsonType::object)) {
    // Calls that the upstream itself ran (GLM's `mcp`) are none of the client's.
    if (type.given() && !type.equals("") && !type.equals("function")) return {};
    function = entry;
  }
  const std::string id = entry.find("id").string().value_or("");
  const std::string name = function.find("name").string().value_or("");

  Call* call = entries == Entries::whole ? nullptr : find(entry, id, name);
  if (call == nullptr) {
    if (calls_.size() == kMostCalls)
      return broken("the model service called too many tools at once");
    call = &calls_.emplace_back();
    call->index = entry.find("index").integer();
  }
  if (call->id.empty()) call->id = id;
  if (call->name.empty() && !name.empty()) {
    call->name = name;
    call->number = begun_++;
    auto told = on_delta(
        {.kind = Delta::Kind::call, .call = call->number, .id = call->id, .name = call->name});
    if (!told) return told;
    if (!call->waiting.empty()) {
      told =
          on_delta({.kind = Delta::Kind::arguments, .text = call->waiting, .call = call->number});
      call->waiting = {};
      if (!told) return told;
    }
  }
  return read_arguments(*call, function.find("arguments"), on_delta);
}

Result<void> ChatCalls::read_arguments(Call& call, JsonView arguments, const OnDelta& on_delta) {
  if (!arguments.given() || arguments.equals("")) return {};
  call.has_arguments = true;
  if (arguments.is(JsonType::string))
    return add_arguments(call, call.arguments.add(arguments), on_delta);
  if (arguments.is(JsonType::object))
    return add_arguments(call, call.arguments.add(std::string(arguments.raw())), on_delta);
  return broken("the model service gave invalid tool arguments");
}

Result<void> ChatCalls::add_arguments(Call& call, std::string_view text, const OnDelta& on_delta) {
  if (text.empty()) return {};
  if (!call.name.empty())
    return on_delta({.kind = Delta::Kind::arguments, .text = text, .call = call.number});
  waiting_ += text.size();
  if (waiting_ > max_waiting_) return broken("the model service called a tool without a name");
  call.waiting += text;
  return {};
}

Result<void> ChatCalls::end(Stop stop, const OnDelta& on_delta) {
  const bool nameless =
      std::any_of(calls_.begin(), calls_.end(), [](const Call& call) { return call.name.empty(); });
  if (nameless && !is_cut_short(stop))
    return broken("the model service called a tool without a name");
  for (Call& call : calls_)
    if (!call.name.empty())
      if (auto told = add_arguments(call, call.arguments.end(), on_delta); !told) return told;
  return {};
}

}  // namespace glmgate::protocol
