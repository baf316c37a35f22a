#include "protocol/chat_choice.h"

#include <algorithm>

namespace glmgate::protocol {

Choice read_choice(JsonView root) {
  Choice choice;
  const JsonView chosen = root.find("tool_choice");
  const JsonView legacy = root.find("function_call");
  const JsonView value = chosen.given() ? chosen : legacy;
  choice.field = chosen.given() ? "tool_choice" : "function_call";
  if (value.equals("none")) choice.kind = Choice::Kind::none;
  if (value.equals("required") || value.equals("any")) choice.kind = Choice::Kind::required;
  if (!value.is(JsonType::object)) return choice;
  const auto add = [&](JsonView of) {
    const JsonView nested = of.find("function").given() ? of.find("function") : of.find("custom");
    if (const auto name = (nested.given() ? nested : of).find("name").string())
      choice.names.push_back(*name);
  };
  const JsonView allowed =
      value.find("allowed_tools").given() ? value.find("allowed_tools") : value;
  choice.kind = Choice::Kind::some;
  if (value.find("type").equals("allowed_tools")) {
    for (JsonView tool = allowed.find("tools").first(); tool.present(); tool = tool.after())
      add(tool);
    choice.must_call = allowed.find("mode").equals("required");
  } else {
    add(value);
    choice.must_call = true;
  }
  return choice;
}

bool is_flat(JsonView tool) { return !tool.find("function").given() && tool.find("name").given(); }

bool is_function(JsonView tool) {
  const JsonView type = tool.find("type");
  return !type.given() || type.equals("function");
}

JsonView function_of(JsonView tool) { return is_flat(tool) ? tool : tool.find("function"); }

bool names(const Choice& choice, JsonView function) {
  const JsonView own = function.find("name");
  return std::any_of(choice.names.begin(), choice.names.end(),
                     [&](const std::string& name) { return own.equals(name); });
}

bool has_calls(JsonView messages) {
  for (JsonView message = messages.first(); message.present(); message = message.after()) {
    if (message.find("tool_calls").first().present() || message.find("function_call").given())
      return true;
    const JsonView role = message.find("role");
    if (role.equals("tool") || role.equals("function")) return true;
  }
  return false;
}

}  // namespace glmgate::protocol
