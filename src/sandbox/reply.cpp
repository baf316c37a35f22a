#include "sandbox/reply.h"

#include <algorithm>
#include <array>

#include "protocol/stop_matcher.h"
#include "sandbox/dice.h"
#include "sandbox/schema.h"
#include "sandbox/tokens.h"
#include "sandbox/tool_choice.h"

namespace glmgate::sandbox {
namespace {

constexpr std::size_t kQuotedBytes = 200;

/// `text` in one line, at most kQuotedBytes long, without cutting a character.
std::string excerpt(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
    if (line.size() > kQuotedBytes + 4) break;
  }
  while (line.ends_with(' ')) line.pop_back();
  if (line.size() <= kQuotedBytes) return line;
  std::size_t end = kQuotedBytes;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  line.resize(end);
  return line + "...";
}

std::string counted(std::int64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

/// " It came with 2 images." or nothing.
std::string attachments(const Turn& turn) {
  std::string list;
  const auto add = [&](std::int64_t count, std::string_view noun) {
    if (count > 0) list += (list.empty() ? "" : " and ") + counted(count, noun);
  };
  add(turn.images, "image");
  add(turn.videos, "video");
  add(turn.files, "file");
  return list.empty() ? list : " I received " + list + ", and looked at none.";
}

std::string small_talk(const Request& request, const Turn& turn, Dice dice) {
  const std::string& model = request.model->id;
  const std::array openings = {
      "Hello! This is the glmgate sandbox playing " + model + "; no model was called.",
      "You have reached the glmgate sandbox. It plays " + model + " and calls no model.",
      "This is the glmgate sandbox, standing in for " + model +
          ": no model was called, and nothing was charged.",
  };
  constexpr std::array closings = {
      " Send `sandbox: help` to see what else I can do.",
      " Set a provider key to talk to a real model.",
      " Ask me the same again and I will answer the same.",
  };
  std::string text = openings[dice.roll(openings.size())];
  if (const std::string said = excerpt(turn.said); !said.empty())
    text += " You said: \"" + said + "\".";
  return text + attachments(turn) + closings[dice.roll(closings.size())];
}

std::string answer_results(const Turn& turn) {
  std::string text;
  for (const ToolResult& each : turn.results) {
    text += "The tool " + (each.tool.empty() ? std::string() : std::string(each.tool) + " ") +
            "answered: " + excerpt(each.text) + "\n";
  }
  return text + "That is all I know: this is the glmgate sandbox, and no model read it.";
}

std::string json_answer(const Request& request, const Turn& turn, Dice dice) {
  if (request.format == Format::json_schema)
    return json::serialize(example_of(*request.schema, dice));
  return R"({"sandbox":true,"model":)" + json::quote(request.model->id) +
         R"(,"message":"No model was called.","you_said":)" + json::quote(excerpt(turn.said)) + "}";
}

/// A text of exactly `tokens` tokens.
std::string filler(std::int64_t tokens) {
  constexpr std::array<std::string_view, 8> kWords = {" sand", " box",   " grain", " dune",
                                                      " wind", " shell", " sea",   " salt"};
  std::string text;
  text.reserve(static_cast<std::size_t>(tokens) * 5);
  for (std::int64_t i = 0; i < tokens; ++i)
    text += kWords[static_cast<std::size_t>(mix(static_cast<std::uint64_t>(i)) % 8)];
  return text;
}

/// What a tool that takes text is given; for the patch tool of coding agents, one that harms
/// nothing.
std::string example_text(const Tool& tool) {
  if (tool.name == "apply_patch")
    return "*** Begin Patch\n*** Add File: sandbox.txt\n+sandbox\n*** End Patch";
  return "echo sandbox";
}

std::string example_arguments(const Tool& tool, Dice dice, std::size_t work) {
  if (tool.takes_text) return example_text(tool);
  if (tool.parameters == nullptr) return "{}";
  const json::value example = example_of(*tool.parameters, dice, work);
  return example.is_object() ? json::serialize(example) : "{}";
}

/// A tool that takes text gets the `input` of what was asked for.
std::string asked_arguments(const Tool* tool, const AskedCall& asked) {
  if (tool == nullptr || !tool->takes_text) return asked.arguments;
  const Result<json::value> object = json::parse(asked.arguments);
  return std::string(object ? json::find_string(*object, "input") : std::string_view{});
}

const Tool* find_tool(const Request& request, std::string_view name) {
  const auto found = std::ranges::find(request.tools, name, &Tool::name);
  return found == request.tools.end() ? nullptr : &*found;
}

/// Nothing if the words call for none.
std::vector<const Tool*> wanted_tools(const Request& request, const Turn& turn) {
  std::vector<const Tool*> wanted;
  if (request.choice == Choice::none || request.tools.empty()) return wanted;
  if (const Tool* named = find_tool(request, request.chosen_tool)) return {named};
  wanted = choose_tools(request.tools, turn.words);
  if (wanted.empty() && request.choice == Choice::required)
    wanted.push_back(&request.tools.front());
  if (!request.parallel_calls && wanted.size() > 1) wanted.resize(1);
  return wanted;
}

std::vector<ToolCall> make_calls(const Request& request, const Turn& turn,
                                 const Directives& directives, Dice dice) {
  std::vector<ToolCall> calls;
  if (!turn.results.empty()) return calls;
  const auto add = [&](std::string_view name, std::string arguments, const Tool* tool) {
    calls.push_back({"call_" + hex(dice.roll()), std::string(name), std::move(arguments), tool});
  };
  for (const AskedCall& each : directives.calls) {
    const Tool* tool = find_tool(request, each.name);
    add(each.name, asked_arguments(tool, each), tool);
  }
  if (!calls.empty() || directives.say || directives.length || directives.help) return calls;
  const std::vector<const Tool*> wanted = wanted_tools(request, turn);
  for (const Tool* tool : wanted)
    add(tool->name, example_arguments(*tool, Dice(dice.roll()), kExampleWork / wanted.size()),
        tool);
  return calls;
}

std::string think(const Reply& reply, const Turn& turn) {
  if (!turn.results.empty())
    return "The tools have answered. I am the sandbox, so I will only repeat what they said.";
  if (reply.calls.empty())
    return "The user says: \"" + excerpt(turn.said) +
           "\". I am the sandbox and know nothing, so I will say so and repeat the words.";
  std::string text = "The user's words point at";
  for (const ToolCall& call : reply.calls) text += " " + call.name;
  return text + ". I am the sandbox, so I will call with example arguments.";
}

std::string choose_text(const Request& request, const Turn& turn, const Directives& directives,
                        Dice dice) {
  if (directives.help) return directives_help();
  if (directives.say) return *directives.say;
  if (directives.length) return filler(*directives.length);
  if (request.format != Format::text) return json_answer(request, turn, dice);
  if (!turn.results.empty()) return answer_results(turn);
  return small_talk(request, turn, dice);
}

void cut_at_stop(const Request& request, Reply& reply) {
  using protocol::Delta;
  protocol::StopMatcher matcher({request.stop.begin(), request.stop.end()});
  std::string kept;
  const protocol::OnDelta keep = [&](const Delta& delta) -> Result<void> {
    if (delta.kind == Delta::Kind::text) kept += delta.text;
    if (delta.kind == Delta::Kind::stop)
      reply.stop_word = *std::ranges::find(request.stop, delta.text);
    return {};
  };
  (void)matcher.add({.kind = Delta::Kind::text, .text = reply.text}, keep);
  if (!matcher.hit()) return;
  reply.text = std::move(kept);
}

/// Keeps the first `limit` tokens, reasoning first. A tool call that does not fit is left out
/// whole.
/// @return false if all of it fitted.
bool cut_to(Reply& reply, std::int64_t limit) {
  const auto keep = [&](std::string& text) {
    const std::string_view kept = first_tokens(text, limit);
    limit -= count_tokens(kept);
    const bool cut = kept.size() < text.size();
    text.resize(kept.size());
    return cut;
  };
  bool cut = keep(reply.thinking);
  cut = keep(reply.text) || cut;
  for (std::size_t i = 0; i < reply.calls.size(); ++i) {
    limit -= count_tokens(reply.calls[i].name) + count_tokens(reply.calls[i].arguments);
    if (limit >= 0) continue;
    reply.calls.resize(i);
    return true;
  }
  return cut;
}

void finish(const Request& request, const Directives& directives, const Prompt& prompt,
            Reply& reply) {
  if (reply.calls.empty()) cut_at_stop(request, reply);
  reply.finish = reply.calls.empty() ? "stop" : "tool_calls";
  if (directives.sensitive) {
    reply.calls.clear();
    reply.text = first_tokens(reply.text, count_tokens(reply.text) / 2);
    reply.finish = "sensitive";
  }
  if (directives.network_error_after) {
    cut_to(reply, *directives.network_error_after);
    reply.finish = "network_error";
  }
  const std::int64_t window = request.model->context_window;
  const std::int64_t room =
      window > 0 ? std::max<std::int64_t>(window - prompt.tokens, 0) : Usage::kMaxTokens;
  const std::int64_t asked = request.max_tokens > 0 ? request.max_tokens : Usage::kMaxTokens;
  if (cut_to(reply, std::min(room, asked)))
    reply.finish = room < asked ? "model_context_window_exceeded" : "length";
}

Usage count_usage(const Reply& reply, const Directives& directives, const Prompt& prompt,
                  std::int64_t cached) {
  Usage usage{.input = prompt.tokens, .cached = cached};
  usage.reasoning = count_tokens(reply.thinking);
  usage.output = usage.reasoning + count_tokens(reply.text);
  for (const ToolCall& call : reply.calls)
    usage.output += count_tokens(call.name) + count_tokens(call.arguments);
  usage.input = directives.input.value_or(usage.input);
  usage.cached = directives.cached.value_or(usage.cached);
  usage.output = directives.output.value_or(usage.output);
  usage.reasoning = directives.reasoning.value_or(usage.reasoning);
  return usage;
}

}  // namespace

Reply compose_reply(const Request& request, const Turn& turn, const Directives& directives,
                    const Prompt& prompt, std::int64_t cached) {
  Reply reply;
  const Dice dice(prompt.fingerprint);
  reply.calls = make_calls(request, turn, directives, dice);
  if (reply.calls.empty()) reply.text = choose_text(request, turn, directives, dice);
  if (directives.think)
    reply.thinking = *directives.think;
  else if (request.thinks && !directives.length)
    reply.thinking = think(reply, turn);
  finish(request, directives, prompt, reply);
  reply.usage = count_usage(reply, directives, prompt, cached);
  return reply;
}

}  // namespace glmgate::sandbox
