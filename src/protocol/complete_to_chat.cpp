#include "protocol/complete_to_chat.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/facts.h"
#include "protocol/json_write.h"
#include "protocol/message_checks.h"
#include "protocol/sha256.h"
#include "protocol/token_estimate.h"
#include "protocol/top_level.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {
namespace {

constexpr std::string_view kHuman = "\n\nHuman:";
constexpr std::string_view kAssistant = "\n\nAssistant:";
constexpr std::size_t kLongestUser = 64;  // of OpenAI's `user`

constexpr Field kFields[] = {
    {"model", Shape::special},
    {"prompt", Shape::text},
    {"max_tokens_to_sample", Shape::whole, 1, 9e15},
    {"stop_sequences", Shape::special},
    {"temperature", Shape::number, 0, 1},
    {"top_p", Shape::number, 0, 1},
    {"top_k", Shape::whole, -1, 9e15},
    {"metadata", Shape::object},
    {"stream", Shape::flag},
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

struct Turn {
  std::string_view role;
  std::string_view text;
};

/// The next marker at or behind `at`; absent: its begin is the prompt's end.
struct Marker {
  std::size_t begin;
  std::size_t end;
  std::string_view role;  // of what follows
};

Marker find_marker(std::string_view prompt, std::size_t at) {
  constexpr std::string_view kLines = "\n\n";  // what both markers begin with
  for (; (at = prompt.find(kLines, at)) != std::string_view::npos; ++at) {
    const std::string_view rest = prompt.substr(at);
    if (rest.starts_with(kHuman)) return {at, at + kHuman.size(), "user"};
    if (rest.starts_with(kAssistant)) return {at, at + kAssistant.size(), "assistant"};
  }
  return {prompt.size(), prompt.size(), {}};
}

/// The turns of a prompt, empty ones left out, and no more than one too many. What stands before
/// the first Human is the system prompt; without any Human all of it is one user's. Looks at every
/// byte once.
std::vector<Turn> split(std::string_view prompt) {
  std::vector<Turn> turns;
  const auto add = [&](std::string_view role, std::string_view text) {
    if (const std::string_view words = trimmed(text); !words.empty())
      turns.push_back({role, words});
  };
  // The prompt's own beginning stands for the empty lines before a marker.
  const bool begins_at_once = prompt.starts_with(kHuman.substr(2));
  std::size_t at = begins_at_once ? 0 : prompt.find(kHuman);
  if (at == std::string_view::npos) {
    add("user", prompt);
    return turns;
  }
  add("system", prompt.substr(0, at));
  at += begins_at_once ? kHuman.size() - 2 : kHuman.size();
  std::string_view role = "user";
  while (at < prompt.size() && turns.size() <= kMostMessages) {
    const Marker marker = find_marker(prompt, at);
    add(role, prompt.substr(at, marker.begin - at));
    role = marker.role;
    at = marker.end;
  }
  return turns;
}

std::string write_messages(const std::vector<Turn>& turns) {
  std::string messages;
  for (const Turn& turn : turns)
    append_element(messages, R"({"role":")" + std::string(turn.role) + R"(","content":)" +
                                 json::quote(turn.text) + "}");
  return messages;
}

/// The other members of the chat request. Thinking is off where it can be: there is no place for it
/// in the answer.
std::string write_fields(JsonView root, const MessagesRules& rules) {
  std::string fields;
  const auto copy = [&](std::string_view from, std::string_view to) {
    if (const JsonView value = root.find(from); value.given())
      append_member(fields, to, value.raw());
  };
  copy("max_tokens_to_sample", "max_tokens");
  copy("stream", "stream");
  copy("temperature", "temperature");
  copy("top_p", "top_p");
  if (rules.thinking_can_be_off && rules.to_glm)
    append_member(fields, "thinking", R"({"type":"disabled"})");
  if (rules.thinking_can_be_off && !rules.to_glm &&
      rules.thinking_switch == MessagesRules::Switch::always)
    append_member(fields, "chat_template_kwargs", R"({"enable_thinking":false})");
  const JsonView user = root.find("metadata").find("user_id");
  if (!user.is(JsonType::string) || user.equals("")) return fields;
  const bool fits = rules.to_glm || user.text_bytes() <= kLongestUser;
  append_member(fields, "user",
                fits ? std::string(user.raw()) : '"' + sha256_hex(*user.string()) + '"');
  return fields;
}

/// The model would go on with the human's next words: that stop is always there.
std::vector<std::string> read_stop(JsonView words, Warnings& warnings) {
  std::vector<std::string> stop{std::string(kHuman)};
  std::size_t index = 0;
  for (JsonView word = words.first(); word.present(); word = word.after(), ++index) {
    if (word.equals(""))
      warnings.add("dropped", at_index("stop_sequences", index));
    else if (!word.equals(kHuman))
      stop.push_back(word.string().value_or(""));
  }
  return stop;
}

void warn_of_other_fields(JsonView root, Warnings& warnings) {
  for (JsonView member = root.first(); member.present(); member = member.after()) {
    const auto is_key = [&](const Field& field) { return member.key_equals(field.name); };
    const bool is_known = std::ranges::any_of(kFields, is_key) && !member.key_equals("top_k");
    if (member.given() && !is_known) warnings.add("dropped", member.key());
  }
}

Result<void> check_prompt(std::string_view prompt) {
  if (trimmed(prompt).empty()) return wrong("prompt", "not empty");
  if (split(prompt).size() > kMostMessages)
    return wrong("prompt", "a conversation of at most " + std::to_string(kMostMessages) + " turns");
  return {};
}

}  // namespace

Result<Facts> read_complete_facts(const Body& body, const Vocabulary* vocabulary) {
  const auto top = TopLevel::read(body.root(), kFields);
  if (!top) return fail(top.error());
  if (auto checked = check_model((*top)["model"]); !checked)
    return fail(std::move(checked.error()));
  const JsonView prompt = (*top)["prompt"];
  if (!prompt.given()) return missing("prompt");
  if (auto checked = check_prompt(*prompt.string()); !checked)
    return fail(std::move(checked.error()));
  if (!(*top)["max_tokens_to_sample"].given()) return missing("max_tokens_to_sample");
  if (auto checked = check_stops("stop_sequences", (*top)["stop_sequences"]); !checked)
    return fail(std::move(checked.error()));
  const JsonView user = (*top)["metadata"].find("user_id");
  if (user.given() && !user.is(JsonType::string)) return wrong("metadata.user_id", "a string");
  Sums sums{.vocabulary = vocabulary};
  sums.messages = 1;
  sums.add_text(prompt);
  Facts facts;
  facts.model = *(*top)["model"].string();
  facts.stream = (*top)["stream"].boolean().value_or(false);
  facts.max_output = (*top)["max_tokens_to_sample"].integer().value_or(0);
  facts.input_estimate = estimate_prompt(sums);
  return facts;
}

Result<ChatDraft> complete_to_chat(const Body& body, const MessagesRules& rules) {
  const JsonView root = body.root();
  const std::string prompt = root.find("prompt").string().value_or("");
  std::vector<Turn> turns = split(prompt);
  const bool has_user =
      std::ranges::any_of(turns, [](const Turn& turn) { return turn.role == "user"; });
  if (!has_user) turns = {{"user", trimmed(prompt)}};
  Warnings warnings;
  ChatDraft draft;
  draft.stop = read_stop(root.find("stop_sequences"), warnings);
  warn_of_other_fields(root, warnings);
  // GLM may begin anew instead of going on where the prompt ends.
  if (rules.to_glm && turns.back().role == "assistant") warnings.add("not_enforced", "prompt");
  draft.body = R"({"model":)" + std::string(root.find("model").raw()) + R"(,"messages":[)" +
               write_messages(turns) + "]," + write_fields(root, rules) + '}';
  draft.warnings = warnings.take();
  draft.hides_thinking = true;
  return draft;
}

}  // namespace glmgate::protocol
