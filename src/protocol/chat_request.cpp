#include "protocol/chat_request.h"

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "protocol/chat_fit.h"
#include "protocol/complaint.h"
#include "protocol/sha256.h"
#include "protocol/stored_history.h"

namespace glmgate::protocol {

std::string ChatFit::tool_name(JsonView name) {
  const std::string original = name.string().value_or("");
  if (!to_glm()) return std::string(name.raw());
  std::string fitted = fit_tool_name(original);
  if (fitted == original) return std::string(name.raw());
  names.try_emplace(fitted, ClientTool{.name = original, .space = {}});
  return '"' + std::move(fitted) + '"';
}

namespace {

constexpr std::size_t kMostGlmStops = 4;  // glm-api 3.1

std::string string_or_empty(JsonView value) { return value.string().value_or(""); }

void fit_max_tokens(ChatFit& fit) {
  const JsonView completion = fit.root.find("max_completion_tokens");
  const JsonView field = completion.given() ? completion : fit.root.find("max_tokens");
  const auto asked = field.integer();
  if (!asked) return;
  const std::int64_t cap = fit.target.max_output;
  const std::int64_t allowed = cap > 0 ? std::min(*asked, cap) : *asked;
  if (allowed < *asked) fit.warn("clamped", field.key());
  const std::string text = std::to_string(allowed);
  if (!fit.to_glm()) {  // engines know both names
    if (allowed < *asked) fit.body.replace(field, text);
    return;
  }
  if (completion.given()) fit.body.remove("max_completion_tokens");
  if (completion.given() || field.raw() != text) fit.body.set("max_tokens", text);
}

/// `user` may hold what GLM's user_id may not (6 to 128 characters): then its hash says as well who
/// is who.
void fit_user(ChatFit& fit) {
  const JsonView user = fit.root.find("user");
  if (!user.given() || user.equals("") || fit.root.find("user_id").given()) return;
  const std::string id = string_or_empty(user);
  const bool plain =
      std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  const bool fits = plain && id.size() >= 6 && id.size() <= 128;
  fit.body.set("user_id", fits ? std::string(user.raw()) : "\"" + sha256_hex(id) + "\"");
  fit.body.remove("user");
}

/// What the 5.3 family takes on the general endpoint: low, high and max (glm-api 3.4).
std::string nearest_effort(const std::string& effort) {
  if (effort == "none" || effort == "minimal") return "low";
  if (effort == "medium") return "high";
  if (effort == "xhigh") return "max";
  return effort;
}

void fit_reasoning_effort(ChatFit& fit, std::string effort, bool is_carried) {
  const JsonView field = fit.root.find("reasoning_effort");
  if (effort.empty()) return;
  if (!fit.target.knows_reasoning_effort) {
    if (field.given()) fit.body.remove("reasoning_effort");
    if (!is_carried) fit.warn("dropped", field.given() ? "reasoning_effort" : "reasoning.effort");
    return;
  }
  if (fit.target.thinking_cannot_be_off && !fit.target.coding_endpoint) {
    const std::string nearest = nearest_effort(effort);
    if (nearest != effort) fit.warn("changed", "reasoning_effort");
    effort = nearest;
  }
  if (!field.equals(effort)) fit.body.set("reasoning_effort", json::quote(effort));
}

/// Clients say it in four ways: thinking, enable_thinking, reasoning and reasoning_effort. The
/// first that is given counts.
void fit_thinking(ChatFit& fit) {
  const JsonView thinking = fit.root.find("thinking");
  const JsonView type = thinking.find("type");
  const JsonView enable = fit.root.find("enable_thinking");
  const JsonView reasoning = fit.root.find("reasoning");
  const JsonView stated = fit.root.find("reasoning_effort");
  std::string effort = string_or_empty(stated.given() ? stated : reasoning.find("effort"));
  const bool effort_is_off = effort == "none" && !fit.target.knows_reasoning_effort;

  std::optional<bool> thinks;
  if (!thinking.given()) {
    thinks = enable.boolean();
    if (!thinks) thinks = reasoning.find("enabled").boolean();
    if (!thinks && effort_is_off) thinks = false;
  }
  if (enable.given()) fit.body.remove("enable_thinking");
  if (reasoning.given()) fit.body.remove("reasoning");
  if (reasoning.find("max_tokens").given()) fit.warn("dropped", "reasoning.max_tokens");
  if (reasoning.find("exclude").boolean() == true) fit.warn("dropped", "reasoning.exclude");
  if (thinking.find("budget_tokens").given()) fit.warn("ignored", "thinking.budget_tokens");

  const bool is_off = thinks ? !*thinks : type.equals("disabled");
  const bool must_think = fit.target.thinking_cannot_be_off && !fit.target.coding_endpoint;
  if (is_off &&
      must_think) {  // the general endpoint answers 400 to it: as little thought as there is
    effort = "low";
    fit.warn("changed", thinking.given() ? "thinking"
                        : enable.given() ? "enable_thinking"
                                         : "reasoning");
    if (thinking.given() && thinking.size() > 1)
      fit.body.replace(type, "\"enabled\"");
    else if (thinking.given())
      fit.body.remove("thinking");
  } else if (thinks) {
    fit.body.set("thinking", *thinks ? R"({"type":"enabled"})" : R"({"type":"disabled"})");
  } else if (type.given() && !type.equals("enabled") && !type.equals("disabled")) {
    fit.body.replace(type, "\"enabled\"");  // adaptive, auto: the model decides, as it does anyway
  }
  fit_reasoning_effort(fit, std::move(effort), effort_is_off && thinks == false);
}

/// GLM takes 0.01 to 1; greedy decoding has a switch of its own.
void fit_sampling(ChatFit& fit) {
  if (const auto temperature = fit.root.find("temperature").number()) {
    if (*temperature > 1) {
      fit.body.set("temperature", "1");
      fit.warn("clamped", "temperature");
    } else if (*temperature <= 0) {
      fit.body.remove("temperature");
      fit.body.set("do_sample", "false");
    }
  }
  if (const auto top_p = fit.root.find("top_p").number(); top_p && *top_p < 0.01) {
    fit.body.set("top_p", "0.01");
    fit.warn("clamped", "top_p");
  }
}

void fit_stop(ChatFit& fit) {
  const JsonView stop = fit.root.find("stop");
  if (stop.is(JsonType::string)) fit.body.set("stop", "[" + std::string(stop.raw()) + "]");
  if (stop.is(JsonType::array) && !stop.first().present()) fit.body.remove("stop");
}

/// GLM passes over fields it does not know (glm-api 0.2), so they stay; where that changes the
/// answer it is said.
void warn_of_ignored(ChatFit& fit) {
  const auto field = [&](std::string_view key) { return fit.root.find(key); };
  for (const std::string_view key : {"presence_penalty", "frequency_penalty"})
    if (const auto penalty = field(key).number(); penalty && *penalty != 0)
      fit.warn("ignored", key);
  if (field("logit_bias").first().present()) fit.warn("ignored", "logit_bias");
  if (field("logprobs").boolean() == true) fit.warn("ignored", "logprobs");
  if (field("parallel_tool_calls").boolean() == false && fit.facts.has_tools)
    fit.warn("ignored", "parallel_tool_calls");
  for (const std::string_view key : {"prediction", "verbosity", "web_search_options"})
    if (field(key).given()) fit.warn("ignored", key);
}

/// GLM has JSON mode but no schemas: the schema goes into the prompt, where it guides and does not
/// bind.
std::string fit_response_format(ChatFit& fit) {
  const JsonView format = fit.root.find("response_format");
  if (!format.find("type").equals("json_schema")) return {};
  fit.body.set("response_format", R"({"type":"json_object"})");
  fit.warn("not_enforced", "response_format.json_schema");
  const JsonView schema = format.find("json_schema").find("schema");
  if (!schema.given()) return {};
  return "Answer with one JSON object that is valid under this JSON schema, and nothing else:\n" +
         std::string(schema.raw());
}

/// Engines have the chat template's switch: what a client says in another way is said there too.
/// The client's own field stays, but for an effort that older engines refuse.
void fit_thinking_switch(ChatFit& fit) {
  const JsonView kwargs = fit.root.find("chat_template_kwargs");
  const JsonView thinking = fit.root.find("thinking");
  const JsonView enable = fit.root.find("enable_thinking");
  const JsonView reasoning = fit.root.find("reasoning");
  const JsonView effort = fit.root.find("reasoning_effort");
  std::string_view field;
  if (thinking.given())
    field = thinking.find("type").equals("disabled") ? "thinking" : "";
  else if (enable.given())
    field = enable.boolean() == false ? "enable_thinking" : "";
  else if (reasoning.find("enabled").boolean() == false ||
           (!effort.given() && reasoning.find("effort").equals("none")))
    field = "reasoning";
  else if (effort.equals("none"))
    field = "reasoning_effort";
  if (field.empty() || kwargs.find("enable_thinking").given()) return;
  if (!fit.target.has_thinking_switch) {
    if (field != "reasoning_effort") fit.warn("ignored", field);
    return;
  }
  if (kwargs.is(JsonType::object))
    fit.body.set_member(kwargs, "enable_thinking", "false");
  else
    fit.body.set("chat_template_kwargs", R"({"enable_thinking":false})");
  if (effort.equals("none")) fit.body.remove("reasoning_effort");
  fit.warn("changed", field);
}

/// Without it GLM is silent until the whole arguments are there: for a long file that is longer
/// than anybody waits.
void fit_tool_stream(ChatFit& fit) {
  if (fit.facts.stream && fit.offers_tools && fit.target.streams_arguments &&
      !fit.root.find("tool_stream").given())
    fit.body.set("tool_stream", "true");
}

/// Usage in the stream is asked for always: the ledger needs it. The answer side takes it out
/// again.
void fit_stream_options(ChatFit& fit) {
  const JsonView options = fit.root.find("stream_options");
  if (fit.to_glm()) {  // GLM sends usage anyway
    if (options.given()) fit.body.remove("stream_options");
  } else if (fit.facts.stream && !options.given()) {
    fit.body.set("stream_options", R"({"include_usage":true})");
  } else if (fit.facts.stream && !fit.facts.include_usage) {
    fit.body.set_member(options, "include_usage", "true");
  }
}

}  // namespace

Result<std::vector<std::string>> fit_chat_request(Body& body, const Facts& facts,
                                                  const ChatTarget& target, ToolNames* names) {
  body.forget_splices();
  ChatFit fit{body, facts, target, body.root(), {}, {}, false};
  if (!fit.root.find("model").equals(target.model)) body.set("model", json::quote(target.model));
  if (fit.to_glm() && fit.root.find("stop").size() > kMostGlmStops)
    return wrong("stop", "a string or an array of at most 4 strings for this model");
  if (auto done = fit_media(fit); !done) return fail(std::move(done.error()));
  if (target.client == Protocol::glm && fit.to_glm()) {
    fit_roles(fit);
    return fit.warnings.take();
  }
  if (fit.to_glm())
    if (auto refused = refuse_stored_history(fit.root); !refused)
      return fail(std::move(refused.error()));
  const auto no_calls = fit_tools(fit);
  if (!no_calls) return fail(no_calls.error());
  std::string hint(*no_calls);
  fit_max_tokens(fit);
  fit_stream_options(fit);
  if (fit.to_glm()) {
    fit_user(fit);
    fit_thinking(fit);
    fit_tool_stream(fit);
    fit_sampling(fit);
    fit_stop(fit);
    const std::string schema = fit_response_format(fit);
    if (!hint.empty() && !schema.empty()) hint += "\n\n";
    hint += schema;
    warn_of_ignored(fit);
  } else {
    fit_thinking_switch(fit);
  }
  fit_messages(fit, hint);
  if (names != nullptr) *names = std::move(fit.names);
  return fit.warnings.take();
}

}  // namespace glmgate::protocol
