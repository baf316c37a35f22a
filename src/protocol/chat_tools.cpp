#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/chat_choice.h"
#include "protocol/chat_fit.h"
#include "protocol/complaint.h"
#include "protocol/message_checks.h"

namespace glmgate::protocol {
namespace {

constexpr std::string_view kNoCalls = "Answer in words: do not call tools now.";
constexpr std::string_view kNoParameters = R"({"type":"object","properties":{}})";

/// A flat tool or a legacy function, nested. For GLM without `strict`, and with all that it
/// requires.
std::string nested_tool(ChatFit& fit, JsonView function) {
  std::string out;
  const bool glm = fit.to_glm();
  for (JsonView member = function.first(); member.present(); member = member.after()) {
    if (member.key_equals("type")) continue;
    if (glm && member.key_equals("strict")) {
      if (member.boolean() == true) fit.warn("dropped", "tools[].function.strict");
      continue;
    }
    const bool required = member.key_equals("description") || member.key_equals("parameters");
    if (glm && required && !member.given()) continue;
    if (!out.empty()) out += ',';
    out += json::quote(member.key()) + ":";
    out += member.key_equals("name") ? fit.tool_name(member) : std::string(member.raw());
  }
  if (glm && !function.find("description").given()) out += R"(,"description":"")";
  if (glm && !function.find("parameters").given()) (out += R"(,"parameters":)") += kNoParameters;
  return R"({"type":"function","function":{)" + out + "}}";
}

void fit_function_tool(ChatFit& fit, JsonView tool) {
  if (is_flat(tool)) return fit.body.replace(tool, nested_tool(fit, tool));
  const JsonView function = tool.find("function");
  if (!tool.find("type").given()) fit.body.set_member(tool, "type", "\"function\"");
  if (!fit.to_glm()) return;
  const JsonView name = function.find("name");
  if (const std::string fitted = fit.tool_name(name); fitted != name.raw())
    fit.body.replace(name, fitted);
  if (const JsonView strict = function.find("strict"); strict.present()) {
    if (strict.boolean() == true) fit.warn("dropped", "tools[].function.strict");
    fit.body.remove_value(strict);
  }
  if (!function.find("description").given()) fit.body.set_member(function, "description", "\"\"");
  if (!function.find("parameters").given())
    fit.body.set_member(function, "parameters", kNoParameters);
}

/// GLM runs functions, web_search, retrieval and mcp. A custom tool that vanished would leave a
/// client unable to work without saying so: it is refused. What other vendors run on their side is
/// dropped.
Result<bool> keeps_other_tool(ChatFit& fit, JsonView tool, std::size_t index) {
  if (!fit.to_glm()) return true;
  const JsonView type = tool.find("type");
  if (type.equals("custom"))
    return unsupported(at_index("tools", index) + ".type", "custom is not supported by GLM models");
  for (const std::string_view known : {"web_search", "retrieval", "mcp"})
    if (type.equals(known)) return true;
  fit.warn("dropped", at_index("tools", index));
  return false;
}

void remove_all(ChatFit& fit) {
  for (const std::string_view key : {"tools", "tool_choice", "functions", "function_call"})
    if (fit.root.find(key).given()) fit.body.remove(key);
}

/// What is left of tool_choice. GLM knows only "auto", and that is its default.
void fit_choice(ChatFit& fit, const Choice& choice) {
  const JsonView chosen = fit.root.find("tool_choice");
  const JsonView legacy = fit.root.find("function_call");
  const bool is_open = choice.kind == Choice::Kind::open;
  if (fit.to_glm()) {
    const bool loses = choice.kind == Choice::Kind::none || choice.kind == Choice::Kind::required ||
                       choice.must_call;
    if (loses) fit.warn("changed", choice.field);
    if (!is_open || legacy.given()) fit.body.set("tool_choice", "\"auto\"");
  } else if (chosen.equals("any")) {
    fit.body.set("tool_choice", "\"required\"");
  } else if (legacy.given() && !chosen.given()) {
    const std::string named = choice.names.empty() ? "" : json::quote(choice.names.front());
    fit.body.set("tool_choice", named.empty()
                                    ? std::string(legacy.raw())
                                    : R"({"type":"function","function":{"name":)" + named + "}}");
  }
  if (legacy.given()) fit.body.remove("function_call");
}

}  // namespace

Result<std::string_view> fit_tools(ChatFit& fit) {
  const JsonView tools = fit.root.find("tools");
  const JsonView functions = fit.root.find("functions");
  const bool is_legacy = !tools.first().present() && functions.first().present();
  const JsonView list = is_legacy ? functions : tools;
  const Choice choice = read_choice(fit.root);
  if (!list.first().present()) {
    remove_all(fit);
    return std::string_view();
  }
  if (fit.to_glm() && choice.kind == Choice::Kind::none && !has_calls(fit.root.find("messages"))) {
    remove_all(fit);  // nothing to call is the same as not calling
    return std::string_view();
  }
  if (fit.to_glm() && list.size() > kMostGlmTools)
    return wrong(is_legacy ? "functions" : "tools",
                 "at most " + std::to_string(kMostGlmTools) + " tools for this model");
  // GLM cannot be told which function to call, but what it does not see it cannot call.
  const bool narrows = fit.to_glm() && choice.kind == Choice::Kind::some;
  std::string from_legacy;
  bool found = false;
  bool any_left = false;
  std::size_t index = 0;
  for (JsonView tool = list.first(); tool.present(); tool = tool.after(), ++index) {
    const bool function = is_legacy || is_function(tool);
    const JsonView declared = is_legacy ? tool : function_of(tool);
    const bool named = function && names(choice, declared);
    found = found || named;
    bool kept = !narrows || named;
    if (kept && !function) {
      const auto keeps = keeps_other_tool(fit, tool, index);
      if (!keeps) return fail(keeps.error());
      kept = *keeps;
    }
    any_left = any_left || kept;
    if (is_legacy) {
      if (kept) from_legacy += (from_legacy.empty() ? "" : ",") + nested_tool(fit, tool);
    } else if (!kept) {
      fit.body.remove_value(tool);
    } else if (function) {
      fit_function_tool(fit, tool);
    }
  }
  if (narrows && !found) return wrong(std::string(choice.field), "the name of one of the tools");
  if (!any_left) {
    remove_all(fit);
    return std::string_view();
  }
  fit.offers_tools = true;
  if (is_legacy) fit.body.set("tools", "[" + from_legacy + "]");
  if (functions.given()) fit.body.remove("functions");
  if (functions.first().present() && !is_legacy) fit.warn("dropped", "functions");
  fit_choice(fit, choice);
  return fit.to_glm() && choice.kind == Choice::Kind::none ? kNoCalls : std::string_view();
}

}  // namespace glmgate::protocol
