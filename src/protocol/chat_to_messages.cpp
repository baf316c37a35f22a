#include "protocol/chat_to_messages.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "protocol/chat_choice.h"
#include "protocol/chat_parts.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/sha256.h"
#include "protocol/stored_history.h"

namespace glmgate::protocol {
namespace {

/// Where neither client nor model says how long an answer may be: long enough to be cut by nobody's
/// surprise, and in the reach of every GLM that is not a small vision model.
constexpr std::int64_t kDefaultMaxTokens = 32'768;
constexpr std::int64_t kLeastBudget = 1'024;
constexpr std::int64_t kUsualBudget = 16'384;
constexpr std::int64_t kMostTopK = 1'000'000;

/// The top-level fields that the steps below look at, and those that lose nothing: they say how a
/// chat upstream streams or names the request.
constexpr std::string_view kTranslated[] = {"model",
                                            "messages",
                                            "max_tokens",
                                            "max_completion_tokens",
                                            "temperature",
                                            "top_p",
                                            "top_k",
                                            "do_sample",
                                            "stop",
                                            "stream",
                                            "stream_options",
                                            "tools",
                                            "tool_choice",
                                            "functions",
                                            "function_call",
                                            "parallel_tool_calls",
                                            "response_format",
                                            "reasoning_effort",
                                            "reasoning",
                                            "thinking",
                                            "enable_thinking",
                                            "user",
                                            "safety_identifier",
                                            "user_id",
                                            "n",
                                            "tool_stream",
                                            "request_id",
                                            "modalities"};

/// What a client that means nothing by it sends: false, 0, nothing in it.
bool says_nothing(JsonView value) {
  switch (value.type()) {
    case JsonType::null:
      return true;
    case JsonType::boolean:
      return value.boolean() == false;
    case JsonType::number:
      return value.number() == 0.0;
    case JsonType::string:
      return value.equals("") || value.equals("auto") || value.equals("default");
    case JsonType::array:
    case JsonType::object:
      return !value.first().present();
  }
  return false;
}

void warn_of_other_fields(ChatTranslation& t) {
  for (JsonView member = t.root.first(); member.present(); member = member.after()) {
    const auto is_key = [&](std::string_view name) { return member.key_equals(name); };
    const bool is_seed = member.key_equals("seed") && member.given();
    if (std::ranges::any_of(kTranslated, is_key) || (says_nothing(member) && !is_seed)) continue;
    t.warnings.add("dropped", member.key());
  }
}

/// Absent: the model's most. A small default would cut answers without anybody having asked for it.
std::int64_t translate_max_tokens(ChatTranslation& t) {
  const JsonView completion = t.root.find("max_completion_tokens");
  const JsonView field = completion.given() ? completion : t.root.find("max_tokens");
  const std::int64_t cap = t.target.max_output;
  std::int64_t most = field.integer().value_or(cap > 0 ? cap : kDefaultMaxTokens);
  if (cap > 0 && most > cap) {
    most = cap;
    t.warnings.add("clamped", field.key());
  }
  append_member(t.fields, "max_tokens", std::to_string(most));
  return most;
}

/// What a chat client says about thinking, in the ways fit_chat_request() knows.
struct Thought {
  std::optional<bool> on;  ///< nothing: the upstream's own way
  std::string effort;
  std::optional<std::int64_t> budget;
  std::string_view field;
};

Thought read_thought(JsonView root) {
  const JsonView thinking = root.find("thinking");
  const JsonView enable = root.find("enable_thinking");
  const JsonView reasoning = root.find("reasoning");
  const JsonView effort = root.find("reasoning_effort");
  Thought thought;
  thought.effort = (effort.given() ? effort : reasoning.find("effort")).string().value_or("");
  thought.budget = thinking.find("budget_tokens").integer();
  if (!thought.budget) thought.budget = reasoning.find("max_tokens").integer();
  thought.field = thinking.given()    ? "thinking"
                  : enable.given()    ? "enable_thinking"
                  : reasoning.given() ? "reasoning"
                                      : "reasoning_effort";
  if (thinking.find("type").given())
    thought.on = !thinking.find("type").equals("disabled");
  else if (enable.boolean())
    thought.on = enable.boolean();
  else if (reasoning.find("enabled").boolean())
    thought.on = reasoning.find("enabled").boolean();
  else if (!thought.effort.empty())
    thought.on = thought.effort != "none";
  else if (thought.budget)
    thought.on = true;
  return thought;
}

/// Tokens for an effort (wire-protocols 3.1, the other way round).
std::int64_t budget_of(std::string_view effort) {
  if (effort == "minimal" || effort == "low") return 2'048;
  if (effort == "medium") return 8'192;
  if (effort == "xhigh" || effort == "max") return 32'768;
  return kUsualBudget;
}

/// The most that may be thought where the client leaves it to us: what is left is for the answer,
/// and a model that thinks to the last token says nothing.
std::int64_t share_of(std::string_view effort, std::int64_t max_tokens) {
  if (effort == "minimal" || effort == "low") return max_tokens / 4;
  if (effort == "xhigh" || effort == "max") return max_tokens / 4 * 3;
  return max_tokens / 2;
}

/// The budget within `max_tokens`; less than kLeastBudget if there is no room to think and answer.
std::int64_t fit_budget(const Thought& thought, std::int64_t max_tokens) {
  constexpr std::int64_t kLeastAnswer = 256;
  const std::int64_t room = max_tokens - kLeastAnswer;
  if (!thought.budget)
    return std::min(
        std::max(std::min(budget_of(thought.effort), share_of(thought.effort, max_tokens)),
                 kLeastBudget),
        room);
  const std::int64_t wanted = std::max(*thought.budget, kLeastBudget);
  return wanted < max_tokens ? wanted : std::min(std::max(max_tokens / 4 * 3, kLeastBudget), room);
}

void write_effort(ChatTranslation& t, const Thought& thought) {
  constexpr std::string_view kWords[] = {"low", "medium", "high", "xhigh", "max"};
  const std::string effort = thought.effort == "minimal" ? "low" : thought.effort;
  if (effort.empty() || effort == "none") return;
  if (!t.target.takes_effort || std::ranges::find(kWords, effort) == std::end(kWords)) {
    if (t.target.takes_effort) t.warnings.add("dropped", "reasoning_effort");
    return;  // the budget says it
  }
  t.output_config += t.output_config.empty() ? "" : ",";
  t.output_config += R"("effort":")" + effort + '"';
}

/// @return whether the upstream is asked to think.
bool translate_thinking(ChatTranslation& t, std::int64_t max_tokens) {
  const Thought thought = read_thought(t.root);
  if (!thought.on) return false;
  bool thinks = *thought.on;
  // Anthropic refuses what a verifying upstream cannot do together; a request that is served
  // without thinking is better than none.
  const Choice choice = read_choice(t.root);
  const bool is_forced = choice.kind == Choice::Kind::required ||
                         (choice.kind == Choice::Kind::some && choice.must_call);
  const bool cannot = t.target.verifies_thinking && (t.goes_on_without_thinking || is_forced);
  const std::int64_t budget = fit_budget(thought, max_tokens);
  if (thinks && (cannot || budget < kLeastBudget)) {
    thinks = false;
    t.warnings.add("changed", thought.field);
  }
  if (!thinks) {
    append_member(t.fields, "thinking", R"({"type":"disabled"})");
    if (*thought.on) write_effort(t, thought);  // it is of the answer as well
    return false;
  }
  if (thought.budget && budget != *thought.budget)
    t.warnings.add("clamped", std::string(thought.field) +
                                  (thought.field == "thinking" ? ".budget_tokens" : ".max_tokens"));
  append_member(t.fields, "thinking",
                R"({"type":"enabled","budget_tokens":)" + std::to_string(budget) + "}");
  write_effort(t, thought);
  return true;
}

/// @param thinks  then a verifying upstream samples in its own way.
void translate_sampling(ChatTranslation& t, bool thinks) {
  const JsonView temperature = t.root.find("temperature");
  const bool is_greedy = t.root.find("do_sample").boolean() == false;
  const bool is_taken = t.target.takes_sampling && !(thinks && t.target.verifies_thinking);
  for (const std::string_view key : {"temperature", "top_p", "top_k"})
    if (t.root.find(key).given() && !is_taken) t.warnings.add("dropped", key);
  if (is_greedy && !is_taken) t.warnings.add("dropped", "do_sample");
  if (!is_taken) return;
  if (is_greedy) {
    append_member(t.fields, "temperature", "0");
  } else if (temperature.number().value_or(0) > 1) {
    append_member(t.fields, "temperature", "1");
    t.warnings.add("clamped", "temperature");
  } else if (temperature.given()) {
    append_member(t.fields, "temperature", temperature.raw());
  }
  if (const JsonView top_p = t.root.find("top_p"); top_p.given())
    append_member(t.fields, "top_p", top_p.raw());
  if (const JsonView top_k = t.root.find("top_k"); top_k.given()) {
    const std::int64_t count = top_k.integer().value_or(-1);
    if (count >= 0 && count <= kMostTopK)
      append_member(t.fields, "top_k", top_k.raw());
    else
      t.warnings.add("dropped", "top_k");
  }
}

/// Anthropic refuses words of nothing but space.
void translate_stop(ChatTranslation& t) {
  const JsonView stop = t.root.find("stop");
  std::string words;
  const auto add = [&](JsonView word, const std::string& path) {
    if (text_block(inside(word)).empty())
      t.warnings.add("dropped", path);
    else
      append_element(words, word.raw());
  };
  if (stop.is(JsonType::string)) add(stop, "stop");
  std::size_t index = 0;
  for (JsonView word = stop.first(); word.present(); word = word.after(), ++index)
    add(word, at_index("stop", index));
  if (!words.empty()) append_member(t.fields, "stop_sequences", '[' + words + ']');
}

void translate_format(ChatTranslation& t) {
  const JsonView format = t.root.find("response_format");
  const JsonView schema = format.find("json_schema").find("schema");
  const bool has_schema = format.find("type").equals("json_schema") && schema.is(JsonType::object);
  if (has_schema && t.target.takes_output_format) {
    t.output_config += t.output_config.empty() ? "" : ",";
    t.output_config +=
        R"("format":{"type":"json_schema","schema":)" + std::string(schema.raw()) + "}";
  } else if (has_schema) {
    std::string hint =
        "Answer with one JSON object that is valid under this JSON schema, and nothing else:\n";
    t.add_system(escaped(hint += schema.raw()));
    t.warnings.add("not_enforced", "response_format.json_schema");
  } else if (format.find("type").equals("json_object") ||
             format.find("type").equals("json_schema")) {
    t.add_system("Answer with one JSON object and nothing else.");
    t.warnings.add("not_enforced", "response_format");
  }
}

/// Anthropic refuses ids that tell who somebody is: addresses and telephone numbers. Their hash
/// says as well who is who.
bool is_telling(std::string_view id) {
  const auto is_of_a_number = [](char c) {
    return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == ' ' || c == '(' || c == ')' ||
           c == '.' || c == '/';
  };
  return id.find('@') != std::string_view::npos ||
         (id.size() >= 7 && std::ranges::all_of(id, is_of_a_number));
}

void translate_user(ChatTranslation& t) {
  constexpr std::size_t kLongestUser = 256;
  for (const std::string_view key : {"safety_identifier", "user", "user_id"}) {
    const JsonView field = t.root.find(key);
    const std::string user = field.string().value_or("");
    if (user.empty()) continue;
    const bool fits = user.size() <= kLongestUser && !is_telling(user);
    append_member(
        t.fields, "metadata",
        R"({"user_id":)" + (fits ? std::string(field.raw()) : '"' + sha256_hex(user) + '"') + "}");
    return;
  }
}

}  // namespace

void ChatTranslation::add_system(std::string_view escaped_text) {
  if (const std::string block = text_block(escaped_text); !block.empty())
    append_element(system, block);
}

Result<MessagesDraft> chat_to_messages(const Body& body, const MessagesTarget& target) {
  ChatTranslation t{.root = body.root(), .target = target};
  t.messages.reserve(body.bytes().size() + body.bytes().size() / 8);
  if (auto refused = refuse_stored_history(t.root); !refused)
    return fail(std::move(refused.error()));
  warn_of_other_fields(t);
  if (auto done = retell_history(t); !done) return fail(std::move(done.error()));
  const std::int64_t max_tokens = translate_max_tokens(t);
  if (const JsonView stream = t.root.find("stream"); target.streams || stream.given())
    append_member(t.fields, "stream", target.streams ? "true" : stream.raw());
  const bool thinks = translate_thinking(t, max_tokens);
  translate_sampling(t, thinks);
  translate_stop(t);
  translate_format(t);
  translate_user(t);
  if (auto done = retell_tools(t); !done) return fail(std::move(done.error()));
  if (!t.output_config.empty())
    append_member(t.fields, "output_config", '{' + t.output_config + '}');

  MessagesDraft draft;
  draft.body.reserve(t.system.size() + t.messages.size() + t.fields.size() + 64);
  draft.body = R"({"model":)" + json::quote(target.model);
  if (!t.system.empty()) ((draft.body += R"(,"system":[)") += t.system) += ']';
  ((draft.body += R"(,"messages":[)") += t.messages) += "],";
  (draft.body += t.fields) += '}';
  draft.warnings = t.warnings.take();
  draft.names = std::move(t.names);
  return draft;
}

}  // namespace glmgate::protocol
