#include "protocol/responses_checks.h"

#include <algorithm>
#include <iterator>

#include "protocol/complaint.h"
#include "protocol/message_checks.h"
#include "protocol/responses_parts.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostItems = 10'000;

template <std::size_t N>
bool is_one_of(JsonView word, const std::string_view (&words)[N]) {
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view known) { return word.equals(known); });
}

Result<void> check_text(JsonView object, std::string_view key, Sums& sums) {
  const JsonView text = object.find(key);
  const std::string path = "." + std::string(key);
  if (!text.given()) return missing(path);
  if (!text.is(JsonType::string)) return wrong(path, "a string");
  sums.add_text(text);
  return {};
}

Result<void> check_name(JsonView object, std::string_view key) {
  const JsonView name = object.find(key);
  const std::string path = "." + std::string(key);
  if (!name.given()) return missing(path);
  if (!name.is(JsonType::string) || name.equals("")) return wrong(path, "a name");
  return {};
}

Result<void> check_optional_text(JsonView object, std::string_view key) {
  const JsonView text = object.find(key);
  if (text.given() && !text.is(JsonType::string)) return wrong("." + std::string(key), "a string");
  return {};
}

Result<void> check_image(JsonView part, Sums& sums) {
  if (part.find("file_id").given() && !part.find("image_url").given())
    return unsupported(".file_id", "cannot be resolved here: send the image in image_url");
  const JsonView image = part.find("image_url");
  const JsonView url = image.is(JsonType::object) ? image.find("url") : image;
  if (!url.given()) return missing(".image_url");
  if (!url.is(JsonType::string)) return wrong(".image_url", "a string");
  ++sums.images;
  return {};
}

Result<void> check_file(JsonView part, Sums& sums) {
  if (part.find("file_data").given()) return check_text(part, "file_data", sums);
  for (const std::string_view key : {"file_id", "file_url"})
    if (part.find(key).given())
      return unsupported("." + std::string(key), "cannot be resolved here: send file_data");
  return missing(".file_data");
}

Result<void> check_part(JsonView part, Sums& sums) {
  if (!part.is(JsonType::object)) return wrong("", "an object with a type");
  const JsonView type = part.find("type");
  if (!type.given()) return missing(".type");
  if (!type.is(JsonType::string)) return wrong(".type", "a string");
  if (is_one_of(type, {"input_text", "output_text", "text", "summary_text", "reasoning_text"}))
    return check_text(part, "text", sums);
  if (type.equals("refusal")) return check_text(part, "refusal", sums);
  if (is_one_of(type, {"input_image", "image_url"})) return check_image(part, sums);
  if (type.equals("input_file")) return check_file(part, sums);
  if (type.equals("encrypted_content")) return {};
  return unsupported(".type",
                     "must be input_text, output_text, refusal, input_image or input_file");
}

Result<void> check_parts(JsonView parts, Sums& sums) {
  std::size_t index = 0;
  for (JsonView part = parts.first(); part.present(); part = part.after(), ++index)
    if (auto checked = check_part(part, sums); !checked)
      return under(at_index("", index), std::move(checked.error()));
  return {};
}

Result<void> check_content(JsonView object, std::string_view key, Sums& sums) {
  const JsonView content = object.find(key);
  const std::string path = "." + std::string(key);
  if (content.is(JsonType::string)) return check_text(object, key, sums);
  if (!content.is(JsonType::array)) return wrong(path, "a string or an array of parts");
  auto checked = check_parts(content, sums);
  return checked ? checked : under(path, std::move(checked.error()));
}

Result<void> check_message(JsonView item, Sums& sums) {
  const JsonView role = item.find("role");
  if (!role.given()) return missing(".role");
  if (!is_one_of(role, {"user", "assistant", "system", "developer"}))
    return wrong(".role", "one of system, developer, user, assistant");
  if (!item.find("content").given()) return missing(".content");
  return check_content(item, "content", sums);
}

Result<void> check_function_call(JsonView item, Sums& sums) {
  if (auto checked = check_name(item, "call_id"); !checked) return checked;
  if (auto checked = check_name(item, "name"); !checked) return checked;
  if (auto checked = check_optional_text(item, "namespace"); !checked) return checked;
  const JsonView arguments = item.find("arguments");
  if (arguments.given() && !arguments.is(JsonType::string) && !arguments.is(JsonType::object))
    return wrong(".arguments", "a string");
  sums.add_text(arguments);
  return {};
}

Result<void> check_custom_call(JsonView item, Sums& sums) {
  if (auto checked = check_name(item, "call_id"); !checked) return checked;
  if (auto checked = check_name(item, "name"); !checked) return checked;
  return check_text(item, "input", sums);
}

/// What the hosted tools that a client runs do is an object.
Result<void> check_act(JsonView item, std::string_view key, Sums& sums) {
  const JsonView id = item.find("call_id").given() ? item.find("call_id") : item.find("id");
  if (!id.given()) return missing(".call_id");
  if (!id.is(JsonType::string) || id.equals("")) return wrong(".call_id", "an id");
  const JsonView act = item.find(key);
  const std::string path = "." + std::string(key);
  if (!act.given()) return missing(path);
  if (!act.is(JsonType::object)) return wrong(path, "an object");
  sums.add_json(act);
  return {};
}

Result<void> check_output(JsonView item, Sums& sums) {
  const JsonView id = item.find("call_id").given() ? item.find("call_id") : item.find("id");
  if (!id.given()) return missing(".call_id");
  if (!id.is(JsonType::string) || id.equals("")) return wrong(".call_id", "an id");
  const JsonView output = item.find("output");
  const JsonView type = item.find("type");
  if (!output.given() && !type.equals("apply_patch_call_output")) return missing(".output");
  if (!output.given()) return {};
  const bool has_parts = is_one_of(type, {"function_call_output", "custom_tool_call_output"});
  if (has_parts && !output.is(JsonType::object)) return check_content(item, "output", sums);
  sums.add_json(output);
  return {};
}

Result<void> check_reasoning(JsonView item, Sums& sums) {
  if (auto checked = check_optional_text(item, "encrypted_content"); !checked) return checked;
  for (const std::string_view key : {"summary", "content"}) {
    const JsonView parts = item.find(key);
    const std::string path = "." + std::string(key);
    if (parts.given() && !parts.is(JsonType::array)) return wrong(path, "an array");
  }
  // A seal holds its text in base64, and a token of English has more characters than one of that.
  sums.text_bytes += item.find("encrypted_content").raw().size() * 3 / 4;
  return {};
}

Result<void> check_item(JsonView item, Sums& sums) {
  if (!item.is(JsonType::object)) return wrong("", "an object");
  const JsonView type = item.find("type");
  if (type.given() && !type.is(JsonType::string)) return wrong(".type", "a string");
  if (!type.given() && !item.find("role").given()) return missing(".type");
  if (!type.given() || type.equals("message")) return check_message(item, sums);
  if (type.equals("function_call")) return check_function_call(item, sums);
  if (type.equals("custom_tool_call")) return check_custom_call(item, sums);
  if (is_one_of(type, {"local_shell_call", "shell_call"})) return check_act(item, "action", sums);
  if (type.equals("apply_patch_call")) return check_act(item, "operation", sums);
  if (is_one_of(type, {"function_call_output", "custom_tool_call_output", "local_shell_call_output",
                       "shell_call_output", "apply_patch_call_output"}))
    return check_output(item, sums);
  if (type.equals("reasoning")) return check_reasoning(item, sums);
  if (type.equals("item_reference")) return check_name(item, "id");
  if (type.equals("agent_message")) return check_content(item, "content", sums);
  // Without what these stand for, the model would go on with half a conversation.
  if (is_one_of(type, {"compaction", "context_compaction", "compaction_trigger", "program",
                       "program_output", "computer_call", "computer_call_output"}))
    return unsupported(".type", *type.string() + " is not supported");
  if (is_one_of(type, {"additional_tools", "tool_search_output"}) && item.find("tools").given()) {
    auto checked = check_responses_tools(item.find("tools"), sums);
    return checked ? checked : under(".", std::move(checked.error()));
  }
  return {};
}

/// {name, description?, parameters?} of a tool.
Result<void> check_function(JsonView function) {
  if (auto checked = check_tool_name(function.find("name")); !checked) return checked;
  if (auto checked = check_optional_text(function, "description"); !checked) return checked;
  const JsonView parameters = function.find("parameters");
  if (parameters.given() && !parameters.is(JsonType::object))
    return wrong(".parameters", "an object");
  return {};
}

Result<void> check_format(JsonView format) {
  if (!format.given()) return {};
  if (!format.is(JsonType::object)) return wrong(".format", "an object");
  for (const std::string_view key : {"type", "syntax", "definition"})
    if (auto checked = check_optional_text(format, key); !checked)
      return under(".format", std::move(checked.error()));
  return {};
}

Result<void> check_tool(JsonView tool, Sums& sums, std::size_t& count);

Result<void> check_tool_list(JsonView tools, Sums& sums, std::size_t& count) {
  if (!tools.is(JsonType::array)) return wrong("tools", "an array");
  std::size_t index = 0;
  for (JsonView tool = tools.first(); tool.present(); tool = tool.after(), ++index)
    if (auto checked = check_tool(tool, sums, count); !checked)
      return under(at_index("tools", index), std::move(checked.error()));
  return {};
}

Result<void> check_tool(JsonView tool, Sums& sums, std::size_t& count) {
  if (!tool.is(JsonType::object)) return wrong("", "an object");
  const JsonView type = tool.find("type");
  const bool is_function = type.equals("function") || is_untyped_function(tool);
  if (!type.given() && !is_function) return missing(".type");
  if (type.given() && !type.is(JsonType::string)) return wrong(".type", "a string");
  if (type.equals("namespace")) {
    if (auto checked = check_tool_name(tool.find("name")); !checked) return checked;
    if (!tool.find("tools").given()) return missing(".tools");
    auto checked = check_tool_list(tool.find("tools"), sums, count);
    return checked ? checked : under(".", std::move(checked.error()));
  }
  sums.add_tool(tool);
  if (++count > kMostTools)
    return wrong("", "one of at most " + std::to_string(kMostTools) + " tools");
  if (is_function) {
    // Cursor mixes the flat form with chat's nested one.
    const JsonView nested = tool.find("function");
    if (!nested.is(JsonType::object)) return check_function(tool);
    auto checked = check_function(nested);
    return checked ? checked : under(".function", std::move(checked.error()));
  }
  if (type.equals("custom")) {
    const JsonView nested = tool.find("custom");
    const JsonView custom = nested.is(JsonType::object) ? nested : tool;
    if (auto checked = check_tool_name(custom.find("name")); !checked) return checked;
    if (auto checked = check_optional_text(custom, "description"); !checked) return checked;
    return check_format(custom.find("format"));
  }
  if (is_one_of(type, {"computer", "computer_use_preview"}))
    return unsupported(".type", *type.string() + " is not supported by GLM models");
  return {};
}

}  // namespace

Result<void> check_input(JsonView input, Sums& sums) {
  if (input.is(JsonType::string)) {
    sums.add_text(input);
    sums.messages = 1;
    return {};
  }
  if (!input.is(JsonType::array)) return wrong("input", "a string or an array of items");
  for (JsonView item = input.first(); item.present(); item = item.after()) {
    if (sums.messages == kMostItems)
      return wrong("input", "at most " + std::to_string(kMostItems) + " items");
    if (auto checked = check_item(item, sums); !checked)
      return under(at_index("input", sums.messages), std::move(checked.error()));
    ++sums.messages;
  }
  return {};
}

Result<void> check_responses_tools(JsonView tools, Sums& sums) {
  if (!tools.given()) return {};
  std::size_t count = 0;
  return check_tool_list(tools, sums, count);
}

}  // namespace glmgate::protocol
