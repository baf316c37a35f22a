// Anthropic's tools and tool_choice as chat's (wire-protocols 1.4, 3.1).
#include <algorithm>

#include "base/json.h"
#include "protocol/anthropic_tools.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/message_checks.h"
#include "protocol/request_parts.h"

namespace glmgate::protocol {
namespace {

using Kind = AnthropicTool::Kind;

/// A schema every upstream takes: an object that says so and has properties.
std::string full_schema(JsonView schema) {
  std::string out(schema.raw());
  std::string more;
  if (!schema.find("type").present()) more += R"(,"type":"object")";
  if (!schema.find("properties").present()) more += R"(,"properties":{})";
  if (more.empty()) return out;
  out.pop_back();
  if (!schema.first().present()) more.erase(0, 1);
  return out + more + "}";
}

/// Deferred tools are all sent: no chat upstream fetches tools when they are needed. What else says
/// when or how Anthropic streams, caches or calls a tool has no counterpart.
void warn_of_tool_fields(MessagesTranslation& t, JsonView tool) {
  if (tool.find("defer_loading").boolean() == true)
    t.warnings.add("dropped", "tools[].defer_loading");
  for (const std::string_view key : {"input_examples", "allowed_callers"})
    if (tool.find(key).given()) t.warnings.add("dropped", "tools[]." + std::string(key));
}

std::string function_tool(MessagesTranslation& t, JsonView tool, const AnthropicTool& known) {
  std::string function = "{";
  const JsonView description = tool.find("description");
  append_member(function, "name", t.tool_name(tool.find("name")));
  if (description.given())
    append_member(function, "description", description.raw());
  else if (!known.description.empty())
    append_member(function, "description", json::quote(known.description));
  append_member(function, "parameters",
                known.kind == Kind::custom ? full_schema(tool.find("input_schema")) : known.schema);
  if (tool.find("strict").boolean() == true) append_member(function, "strict", "true");
  warn_of_tool_fields(t, tool);
  return R"({"type":"function","function":)" + function + "}}";
}

/// @param was_dropped  the tool that the client insists on is one that no chat upstream has.
Result<void> translate_choice(MessagesTranslation& t, bool is_offered, bool was_dropped) {
  const JsonView choice = t.root.find("tool_choice");
  const JsonView type = choice.find("type");
  if (choice.find("disable_parallel_tool_use").boolean() == true)
    append_member(t.fields, "parallel_tool_calls", "false");
  if (type.equals("auto")) append_member(t.fields, "tool_choice", "\"auto\"");
  if (type.equals("any")) append_member(t.fields, "tool_choice", "\"required\"");
  if (type.equals("none")) append_member(t.fields, "tool_choice", "\"none\"");
  if (!type.equals("tool")) return {};
  if (was_dropped) {
    t.warnings.add("dropped", "tool_choice");
    return {};
  }
  if (!is_offered) return wrong("tool_choice.name", "the name of one of the tools");
  append_member(
      t.fields, "tool_choice",
      R"({"type":"function","function":{"name":)" + t.tool_name(choice.find("name")) + "}}");
  return {};
}

}  // namespace

std::string MessagesTranslation::tool_name(JsonView name) {
  const std::string original = name.string().value_or("");
  std::string fitted = fit_tool_name(original);
  if (fitted != original) names.try_emplace(fitted, ClientTool{.name = original, .space = {}});
  return '"' + std::move(fitted) + '"';
}

Result<void> translate_tools(MessagesTranslation& t) {
  std::string tools;
  const JsonView chosen = t.root.find("tool_choice").find("name");
  const std::string wanted = chosen.string().value_or("");
  bool is_offered = false;
  bool was_dropped = false;
  std::size_t index = 0;
  std::size_t kept = 0;
  for (JsonView tool = t.root.find("tools").first(); tool.present(); tool = tool.after(), ++index) {
    const AnthropicTool known = read_anthropic_tool(tool);
    const bool is_wanted = chosen.given() && tool.find("name").equals(wanted);
    if (known.kind == Kind::screen)
      return unsupported(at_index("tools", index) + ".type",
                         "cannot be sent: this model was not made for it");
    if (known.kind == Kind::search || known.kind == Kind::server) {
      t.warnings.add("dropped", at_index("tools", index));
      was_dropped = was_dropped || is_wanted;
      continue;
    }
    if (!tool.find("name").is(JsonType::string)) return missing(at_index("tools", index) + ".name");
    if (++kept > (t.rules.to_glm ? kMostGlmTools : kMostTools))
      return wrong("tools", "at most " +
                                std::to_string(t.rules.to_glm ? kMostGlmTools : kMostTools) +
                                " tools for this model");
    is_offered = is_offered || is_wanted;
    append_element(tools, function_tool(t, tool, known));
  }
  if (tools.empty()) {
    if (chosen.given()) t.warnings.add("dropped", "tool_choice");
    return {};
  }
  append_member(t.fields, "tools", '[' + tools + ']');
  return translate_choice(t, is_offered, was_dropped);
}

}  // namespace glmgate::protocol
