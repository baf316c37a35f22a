#include "protocol/message_checks.h"

#include <algorithm>
#include <iterator>

#include "protocol/complaint.h"

namespace glmgate::protocol {
namespace {

Result<void> check_part(JsonView part, Sums& sums) {
  if (!part.is(JsonType::object)) return wrong("", "an object with a type");
  const JsonView type = part.find("type");
  if (!type.is(JsonType::string)) {
    if (!type.given()) return missing(".type");
    return wrong(".type", "a string");
  }
  if (type.equals("text") || type.equals("input_text") || type.equals("output_text")) {
    const JsonView text = part.find("text");
    if (!text.given()) return missing(".text");
    if (!text.is(JsonType::string)) return wrong(".text", "a string");
    sums.add_text(text);
  } else if (type.equals("image_url")) {
    const JsonView image = part.find("image_url");
    const JsonView url = image.is(JsonType::object) ? image.find("url") : image;
    if (!url.given()) return missing(".image_url.url");
    if (!url.is(JsonType::string)) return wrong(".image_url.url", "a string");
    ++sums.images;
  } else if (type.equals("video_url")) {
    ++sums.images;
  } else if (type.equals("input_audio")) {
    if (!part.find("input_audio").is(JsonType::object)) return wrong(".input_audio", "an object");
  } else {
    sums.add_text(part.find("refusal"));
  }
  return {};
}

Result<void> check_content(JsonView content, bool may_be_absent, Sums& sums) {
  if (!content.given()) {
    if (!may_be_absent) return missing("");
    return {};
  }
  if (content.is(JsonType::string)) {
    sums.add_text(content);
    return {};
  }
  if (!content.is(JsonType::array)) return wrong("", "a string or an array of parts");
  if (!may_be_absent && !content.first().present())
    return wrong("", "a string or an array of at least one part");
  std::size_t index = 0;
  for (JsonView part = content.first(); part.present(); part = part.after(), ++index)
    if (auto checked = check_part(part, sums); !checked)
      return under(at_index("", index), std::move(checked.error()));
  return {};
}

/// `call` is {name, arguments}; arguments is a string, but some clients send the object itself.
Result<void> check_called_function(JsonView function, Sums& sums) {
  if (!function.given()) return missing("");
  if (!function.is(JsonType::object)) return wrong("", "an object");
  const JsonView name = function.find("name");
  if (!name.given()) return missing(".name");
  if (!name.is(JsonType::string) || name.equals("")) return wrong(".name", "a name");
  const JsonView arguments = function.find("arguments");
  if (arguments.given() && !arguments.is(JsonType::string) && !arguments.is(JsonType::object))
    return wrong(".arguments", "a string");
  sums.add_text(name);
  sums.add_text(arguments);
  if (arguments.is(JsonType::object)) sums.add_json(arguments);
  return {};
}

Result<void> check_tool_call(JsonView call, Sums& sums) {
  if (++sums.calls > kMostCalls)
    return wrong("", "one of at most " + std::to_string(kMostCalls) + " tool calls");
  if (!call.is(JsonType::object)) return wrong("", "an object");
  const JsonView id = call.find("id");
  if (id.given() && !id.is(JsonType::string)) return wrong(".id", "a string");
  const JsonView type = call.find("type");
  if (type.given() && !type.is(JsonType::string)) return wrong(".type", "a string");
  if (type.given() && !type.equals("function")) return {};  // web_search, retrieval, mcp, custom
  auto checked = check_called_function(call.find("function"), sums);
  return checked ? checked : under(".function", std::move(checked.error()));
}

Result<void> check_tool_calls(JsonView calls, Sums& sums) {
  if (!calls.given()) return {};
  if (!calls.is(JsonType::array)) return wrong("", "an array");
  std::size_t index = 0;
  for (JsonView call = calls.first(); call.present(); call = call.after(), ++index)
    if (auto checked = check_tool_call(call, sums); !checked)
      return under(at_index("", index), std::move(checked.error()));
  return {};
}

/// {name, description?, parameters?} of a tool.
Result<void> check_function(JsonView function) {
  if (auto checked = check_tool_name(function.find("name")); !checked) return checked;
  const JsonView description = function.find("description");
  if (description.given() && !description.is(JsonType::string))
    return wrong(".description", "a string");
  const JsonView parameters = function.find("parameters");
  if (parameters.given() && !parameters.is(JsonType::object))
    return wrong(".parameters", "an object");
  return {};
}

Result<void> check_message(JsonView message, Sums& sums) {
  if (!message.is(JsonType::object)) return wrong("", "an object");
  const JsonView role = message.find("role");
  if (!role.given()) return missing(".role");
  constexpr std::string_view kRoles[] = {"user",   "assistant", "tool",
                                         "system", "developer", "function"};
  const auto known = std::find_if(std::begin(kRoles), std::end(kRoles),
                                  [&](std::string_view name) { return role.equals(name); });
  if (known == std::end(kRoles))
    return wrong(".role", "one of system, developer, user, assistant, tool, function");
  const bool is_assistant = *known == "assistant";
  const bool is_answer = *known == "tool" || *known == "function";
  if (auto checked = check_content(message.find("content"), is_assistant || is_answer, sums);
      !checked)
    return under(".content", std::move(checked.error()));
  if (*known == "tool") {
    const JsonView id = message.find("tool_call_id");
    if (!id.given()) return missing(".tool_call_id");
    if (!id.is(JsonType::string)) return wrong(".tool_call_id", "a string");
  }
  if (*known == "function" && !message.find("name").is(JsonType::string)) return missing(".name");
  if (!is_assistant) return {};
  const JsonView reasoning = message.find("reasoning_content");
  if (reasoning.given() && !reasoning.is(JsonType::string))
    return wrong(".reasoning_content", "a string");
  sums.add_text(reasoning);
  if (const JsonView call = message.find("function_call"); call.given())
    if (auto checked = check_called_function(call, sums); !checked)
      return under(".function_call", std::move(checked.error()));
  auto checked = check_tool_calls(message.find("tool_calls"), sums);
  return checked ? checked : under(".tool_calls", std::move(checked.error()));
}

/// Nested {type, function: {name, ...}} and flat {type, name, parameters}: clients send both, even
/// mixed.
Result<void> check_tool(JsonView tool) {
  if (!tool.is(JsonType::object)) return wrong("", "an object");
  const JsonView type = tool.find("type");
  if (type.given() && !type.is(JsonType::string)) return wrong(".type", "a string");
  if (type.given() && !type.equals("function")) return {};
  const JsonView nested = tool.find("function");
  const bool is_flat = !nested.given() && tool.find("name").given();
  if (!type.given() && !nested.given() && !is_flat) return missing(".type");
  if (is_flat) return check_function(tool);
  if (nested.given() && !nested.is(JsonType::object)) return wrong(".function", "an object");
  auto checked = check_function(nested);
  return checked ? checked : under(".function", std::move(checked.error()));
}

}  // namespace

Result<void> check_tool_name(JsonView name) {
  if (!name.given()) return missing(".name");
  if (!name.is(JsonType::string) || name.equals("") || name.text_bytes() > kLongestToolName)
    return wrong(".name", "a name of at most " + std::to_string(kLongestToolName) + " bytes");
  return {};
}

Result<void> check_messages(JsonView messages, Sums& sums) {
  if (!messages.is(JsonType::array)) return wrong("messages", "an array");
  if (!messages.first().present()) return wrong("messages", "an array of at least one message");
  for (JsonView message = messages.first(); message.present(); message = message.after()) {
    if (sums.messages == kMostMessages)
      return wrong("messages", "at most " + std::to_string(kMostMessages) + " messages");
    if (auto checked = check_message(message, sums); !checked)
      return under(at_index("messages", sums.messages), std::move(checked.error()));
    ++sums.messages;
  }
  return {};
}

Result<void> check_tools(JsonView tools, Sums& sums) {
  if (!tools.given()) return {};
  if (!tools.is(JsonType::array)) return wrong("tools", "an array");
  std::size_t index = 0;
  for (JsonView tool = tools.first(); tool.present(); tool = tool.after(), ++index) {
    if (index == kMostTools)
      return wrong("tools", "at most " + std::to_string(kMostTools) + " tools");
    if (auto checked = check_tool(tool); !checked)
      return under(at_index("tools", index), std::move(checked.error()));
    sums.add_tool(tool);
  }
  return {};
}

Result<void> check_functions(JsonView functions, Sums& sums) {
  if (!functions.given()) return {};
  if (!functions.is(JsonType::array)) return wrong("functions", "an array");
  std::size_t index = 0;
  for (JsonView function = functions.first(); function.present();
       function = function.after(), ++index) {
    if (index == kMostTools)
      return wrong("functions", "at most " + std::to_string(kMostTools) + " functions");
    auto checked =
        function.is(JsonType::object) ? check_function(function) : wrong("", "an object");
    if (!checked) return under(at_index("functions", index), std::move(checked.error()));
    sums.add_tool(function);
  }
  return {};
}

}  // namespace glmgate::protocol
