#include "protocol/messages_to_chat.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/request_parts.h"
#include "protocol/sha256.h"
#include "protocol/stored_history.h"

namespace glmgate::protocol {
namespace {

/// The top-level fields that the steps below look at. Others are dropped with a warning.
constexpr std::string_view kTranslated[] = {
    "model",       "messages", "system",         "tools",      "tool_choice",   "max_tokens",
    "stream",      "top_p",    "stop_sequences", "thinking",   "output_config", "output_format",
    "temperature", "metadata", "container",      "mcp_servers"};

/// Fields that lose nothing with this value, or with any.
struct Harmless {
  std::string_view name;
  std::string_view value = {};
};
constexpr Harmless kHarmless[] = {
    {"cache_control"}, {"service_tier", "auto"}, {"speed", "standard"}};

bool is_harmless(JsonView member) {
  return std::ranges::any_of(kHarmless, [&](const Harmless& field) {
    return member.key_equals(field.name) && (field.value.empty() || member.equals(field.value));
  });
}

/// What a client asks for with `mcp_servers` and a container is missing from the answer, not just
/// in another form: refused.
Result<void> check_other_fields(MessagesTranslation& t) {
  if (auto refused = refuse_stored_history(t.root); !refused) return refused;
  for (JsonView member = t.root.first(); member.present(); member = member.after()) {
    const auto is_key = [&](std::string_view name) { return member.key_equals(name); };
    if (!member.given() || std::ranges::any_of(kTranslated, is_key) || is_harmless(member))
      continue;
    t.warnings.add("dropped", member.key());
  }
  if (t.root.find("mcp_servers").first().present())
    return unsupported("mcp_servers", "are not supported by this model's upstream");
  const JsonView container = t.root.find("container");
  if (container.find("skills").first().present())
    return unsupported("container.skills", "are not supported by this model's upstream");
  if (container.is(JsonType::string) || container.find("id").given())
    return unsupported("container", "is not supported by this model's upstream: it has no files");
  return {};
}

void copy(MessagesTranslation& t, std::string_view from, std::string_view to) {
  if (const JsonView value = t.root.find(from); value.given())
    append_member(t.fields, to, value.raw());
}

Result<void> translate_max_tokens(MessagesTranslation& t) {
  const auto most = t.root.find("max_tokens").integer();
  if (most == 0)
    return unsupported("max_tokens", "of 0 warms a cache that this model's upstream does not have");
  if (most) append_member(t.fields, "max_tokens", std::to_string(*most));
  return {};
}

/// Budget to effort, for upstreams that know only efforts (wire-protocols 3.1).
std::string_view effort_of(std::int64_t budget) {
  return budget < 4'000 ? "low" : budget < 16'000 ? "medium" : "high";
}

/// Engines take OpenAI's words for the effort, and the chat template's own switch.
void translate_thinking_for_engine(MessagesTranslation& t, bool thinks, bool is_stated) {
  if (!thinks) {
    using Switch = MessagesRules::Switch;
    const bool is_asked = is_stated && t.rules.thinking_switch != Switch::none;
    if (is_stated && !is_asked) t.warnings.add("ignored", "thinking");
    if (is_asked || (t.rules.thinking_can_be_off && t.rules.thinking_switch == Switch::always))
      append_member(t.fields, "chat_template_kwargs", R"({"enable_thinking":false})");
    return;
  }
  const JsonView effort = t.root.find("output_config").find("effort");
  const auto budget = t.root.find("thinking").find("budget_tokens").integer();
  if (effort.equals("xhigh") || effort.equals("max")) {
    append_member(t.fields, "reasoning_effort", "\"high\"");
    t.warnings.add("changed", "output_config.effort");
  } else if (effort.given()) {
    append_member(t.fields, "reasoning_effort", effort.raw());
  } else if (budget) {
    append_member(t.fields, "reasoning_effort", '"' + std::string(effort_of(*budget)) + '"');
  }
}

void translate_thinking(MessagesTranslation& t) {
  const JsonView thinking = t.root.find("thinking");
  const JsonView type = thinking.find("type");
  const JsonView effort = t.root.find("output_config").find("effort");
  std::optional<bool> thinks;  // nothing: the model's own way
  if (thinking.given()) thinks = !type.equals("disabled") && !type.equals("between_tools");
  if (type.equals("between_tools")) t.warnings.add("changed", "thinking.type");
  if (thinking.find("budget_tokens").given()) t.warnings.add("dropped", "thinking.budget_tokens");
  // Anthropic does not think unless asked; small background requests would spend all their tokens
  // on thoughts, and answer nothing.
  if (!thinks && t.rules.thinking_default == MessagesRules::Thinking::off &&
      t.rules.thinking_can_be_off)
    thinks = false;
  if (effort.given() && thinks == false) t.warnings.add("dropped", "output_config.effort");
  if (!t.rules.to_glm)
    return translate_thinking_for_engine(t, thinks.value_or(true), thinking.given());
  if (thinks)
    append_member(
        t.fields, "thinking",
        *thinks ? R"({"type":"enabled","clear_thinking":false})" : R"({"type":"disabled"})");
  if (effort.given() && thinks != false) append_member(t.fields, "reasoning_effort", effort.raw());
}

void translate_format(MessagesTranslation& t) {
  const JsonView config = t.root.find("output_config");
  const bool is_new = config.find("format").given();
  const JsonView format = is_new ? config.find("format") : t.root.find("output_format");
  for (JsonView member = config.first(); member.present(); member = member.after())
    if (member.given() && !member.key_equals("effort") && !member.key_equals("format"))
      t.warnings.add("dropped", "output_config." + member.key());
  if (!format.given()) return;
  if (!format.find("type").equals("json_schema"))
    return t.warnings.add("dropped", is_new ? "output_config.format" : "output_format");
  append_member(t.fields, "response_format",
                R"({"type":"json_schema","json_schema":{"name":"output","schema":)" +
                    std::string(format.find("schema").raw()) + R"(,"strict":true}})");
}

/// OpenAI's `user` is shorter than what Claude Code sends: then its hash says as well who is who.
/// For GLM fit_chat_request() looks after it.
void translate_metadata(MessagesTranslation& t) {
  constexpr std::size_t kLongestUser = 64;
  const JsonView metadata = t.root.find("metadata");
  for (JsonView member = metadata.first(); member.present(); member = member.after())
    if (member.given() && !member.key_equals("user_id"))
      t.warnings.add("dropped", "metadata." + member.key());
  const JsonView user = metadata.find("user_id");
  if (!user.given() || user.equals("")) return;
  const bool fits = t.rules.to_glm || user.text_bytes() <= kLongestUser;
  append_member(t.fields, "user",
                fits ? std::string(user.raw()) : '"' + sha256_hex(*user.string()) + '"');
}

/// Chat upstreams stop at one or four words and do not say which one it was: the gateway looks for
/// them itself (wire-protocols 3.9).
std::vector<std::string> read_stop(MessagesTranslation& t) {
  std::vector<std::string> stop;
  const JsonView words = t.root.find("stop_sequences");
  std::size_t index = 0;
  for (JsonView word = words.first(); word.present(); word = word.after(), ++index) {
    if (word.equals(""))
      t.warnings.add("dropped", at_index("stop_sequences", index));
    else
      stop.push_back(word.string().value_or(""));
  }
  return stop;
}

}  // namespace

Result<ChatDraft> messages_to_chat(const Body& body, const MessagesRules& rules) {
  MessagesTranslation t{.root = body.root(), .rules = rules};
  t.messages.reserve(body.bytes().size() + body.bytes().size() / 8);
  if (auto checked = check_other_fields(t); !checked) return fail(std::move(checked.error()));
  if (auto done = translate_max_tokens(t); !done) return fail(std::move(done.error()));
  if (auto done = translate_system(t); !done) return fail(std::move(done.error()));
  if (auto done = translate_history(t); !done) return fail(std::move(done.error()));
  copy(t, "stream", "stream");
  copy(t, "temperature", "temperature");
  copy(t, "top_p", "top_p");
  translate_thinking(t);
  translate_format(t);
  translate_metadata(t);
  if (auto done = translate_tools(t); !done) return fail(std::move(done.error()));

  ChatDraft draft;
  draft.stop = read_stop(t);
  draft.hides_thinking = t.root.find("thinking").find("display").equals("omitted");
  draft.body.reserve(t.messages.size() + t.fields.size() + 64);
  draft.body = R"({"model":)";
  draft.body += t.root.find("model").raw();
  draft.body += R"(,"messages":[)";
  (draft.body += t.messages) += ']';
  if (!t.fields.empty()) (draft.body += ',') += t.fields;
  draft.body += '}';
  draft.warnings = t.warnings.take();
  draft.names = std::move(t.names);
  return draft;
}

}  // namespace glmgate::protocol
