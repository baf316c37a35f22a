#include "protocol/block_checks.h"

#include "protocol/call_pairs.h"
#include "protocol/complaint.h"
#include "protocol/message_checks.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kBytesPerPage = 64 * 1024;  // of a PDF in base64: a rough guess

Result<void> check_string(JsonView of, std::string_view name) {
  const JsonView value = of.find(name);
  if (!value.given()) return missing("." + std::string(name));
  if (!value.is(JsonType::string)) return wrong("." + std::string(name), "a string");
  return {};
}

Result<void> check_name(JsonView of, std::string_view name) {
  if (auto checked = check_string(of, name); !checked) return checked;
  if (of.find(name).equals("")) return wrong("." + std::string(name), "not empty");
  return {};
}

Result<void> check_block(JsonView block, Sums& sums);

/// A string, or an array of blocks.
Result<void> check_content(JsonView content, Sums& sums) {
  sums.add_text(content);
  if (content.is(JsonType::string)) return {};
  if (!content.is(JsonType::array)) return wrong("", "a string or an array of content blocks");
  std::size_t index = 0;
  for (JsonView block = content.first(); block.present(); block = block.after(), ++index)
    if (auto checked = check_block(block, sums); !checked)
      return under(at_index("", index), std::move(checked.error()));
  return {};
}

/// Where an image or a document comes from.
Result<void> check_source(JsonView block, Sums& sums) {
  const JsonView source = block.find("source");
  if (!source.given()) return missing(".source");
  if (!source.is(JsonType::object)) return wrong(".source", "an object with a type");
  struct Needs {
    std::string_view type;
    std::string_view member;
  };
  constexpr Needs kNeeds[] = {{"base64", "media_type"},
                              {"base64", "data"},
                              {"url", "url"},
                              {"file", "file_id"},
                              {"text", "data"}};
  auto checked = check_string(source, "type");
  for (const Needs& needs : kNeeds)
    if (checked && source.find("type").equals(needs.type))
      checked = check_string(source, needs.member);
  if (checked && source.find("type").equals("content")) {
    checked = check_content(source.find("content"), sums);
    if (!checked) checked = under(".content", std::move(checked.error()));
  }
  if (source.find("type").equals("text")) sums.add_text(source.find("data"));
  return checked ? checked : under(".source", std::move(checked.error()));
}

Result<void> check_document(JsonView block, Sums& sums) {
  if (auto checked = check_source(block, sums); !checked) return checked;
  sums.add_text(block.find("title"));
  sums.add_text(block.find("context"));
  const JsonView type = block.find("source").find("type");
  if (type.equals("text") || type.equals("content")) return {};
  sums.images += 1 + block.find("source").find("data").raw().size() / kBytesPerPage;
  return {};
}

Result<void> check_tool_use(JsonView block, Sums& sums) {
  if (++sums.calls > kMostCalls)
    return wrong("", "one of at most " + std::to_string(kMostCalls) + " tool calls");
  if (auto checked = check_name(block, "id"); !checked) return checked;
  if (auto checked = check_name(block, "name"); !checked) return checked;
  const JsonView input = block.find("input");
  if (input.given() && !input.is(JsonType::object)) return wrong(".input", "an object");
  sums.add_text(block.find("name"));
  sums.add_json(input);
  return {};
}

Result<void> check_tool_result(JsonView block, Sums& sums) {
  if (auto checked = check_name(block, "tool_use_id"); !checked) return checked;
  const JsonView failed = block.find("is_error");
  if (failed.given() && !failed.boolean()) return wrong(".is_error", "true or false");
  const JsonView content = block.find("content");
  if (!content.given()) return {};
  auto checked = check_content(content, sums);
  return checked ? checked : under(".content", std::move(checked.error()));
}

Result<void> check_thinking(JsonView block, Sums& sums) {
  if (auto checked = check_string(block, "thinking"); !checked) return checked;
  const JsonView signature = block.find("signature");
  if (signature.given() && !signature.is(JsonType::string)) return wrong(".signature", "a string");
  sums.add_text(block.find("thinking"));
  return {};
}

Result<void> check_search_result(JsonView block, Sums& sums) {
  sums.add_text(block.find("source"));
  sums.add_text(block.find("title"));
  const JsonView content = block.find("content");
  if (!content.given()) return {};
  auto checked = check_content(content, sums);
  return checked ? checked : under(".content", std::move(checked.error()));
}

Result<void> check_block(JsonView block, Sums& sums) {
  if (!block.is(JsonType::object)) return wrong("", "an object with a type");
  if (auto checked = check_string(block, "type"); !checked) return checked;
  const JsonView type = block.find("type");
  if (type.equals("text")) {
    if (auto checked = check_string(block, "text"); !checked) return checked;
    const JsonView text = block.find("text");
    sums.add_text(text);  // an empty one: an Anthropic upstream says what it thinks of it
    return {};
  }
  if (type.equals("tool_use")) return check_tool_use(block, sums);
  if (type.equals("tool_result")) return check_tool_result(block, sums);
  if (type.equals("thinking")) return check_thinking(block, sums);
  if (type.equals("document")) return check_document(block, sums);
  if (type.equals("search_result")) return check_search_result(block, sums);
  if (type.equals("image")) {
    ++sums.images;
    return check_source(block, sums);
  }
  sums.add_json(block);
  return {};
}

/// Calls and results, which must meet.
Result<void> check_pairs(JsonView message, std::size_t index, CallPairs& pairs) {
  const bool is_assistant = message.find("role").equals("assistant");
  const bool is_user = message.find("role").equals("user");
  if (is_user) pairs.user_speaks();
  if (is_assistant)
    if (auto spoken = pairs.assistant_speaks(); !spoken) return spoken;
  std::size_t b = 0;
  const JsonView content = message.find("content");
  for (JsonView block = content.first(); block.present(); block = block.after(), ++b) {
    const JsonView type = block.find("type");
    const bool is_call = type.equals("tool_use");
    if (!is_call && !type.equals("tool_result")) continue;
    std::string path = at_index("messages", index) + "." + at_index("content", b);
    if (is_call ? !is_assistant : !is_user) {
      std::string text = path + (is_call ? " calls a tool, which only an assistant does"
                                         : " is a tool's result, which only a user sends");
      return fail(FaultCode::bad_value, std::move(text), path + ".type");
    }
    auto met = is_call ? pairs.call(*block.find("id").string(), index, b)
                       : pairs.answer(*block.find("tool_use_id").string(), path + ".tool_use_id");
    if (!met) return met;
  }
  return {};
}

Result<void> check_turn(JsonView message, Sums& sums) {
  if (!message.is(JsonType::object)) return wrong("", "an object");
  const JsonView role = message.find("role");
  if (!role.given()) return missing(".role");
  if (!role.equals("user") && !role.equals("assistant") && !role.equals("system"))
    return wrong(".role", "user, assistant or system");
  const JsonView content = message.find("content");
  if (!content.given()) return missing(".content");
  if (auto checked = check_content(content, sums); !checked)
    return under(".content", std::move(checked.error()));
  const bool is_empty =
      content.equals("") || (content.is(JsonType::array) && !content.first().present());
  if (is_empty && role.equals("user")) return wrong(".content", "not empty in a user message");
  return {};
}

Result<void> check_anthropic_tool(JsonView tool) {
  if (!tool.is(JsonType::object)) return wrong("", "an object");
  const JsonView type = tool.find("type");
  if (type.given() && !type.is(JsonType::string)) return wrong(".type", "a string");
  const JsonView schema = tool.find("input_schema");
  if (schema.given() && !schema.is(JsonType::object)) return wrong(".input_schema", "an object");
  const JsonView description = tool.find("description");
  if (description.given() && !description.is(JsonType::string))
    return wrong(".description", "a string");
  const bool is_defined_by_anthropic = type.given() && !type.equals("custom") && !schema.given();
  if (is_defined_by_anthropic) return {};
  if (auto checked = check_tool_name(tool.find("name")); !checked) return checked;
  if (!schema.given()) return missing(".input_schema");
  return {};
}

}  // namespace

Result<void> check_turns(JsonView messages, Pairing pairing, Sums& sums) {
  if (!messages.given()) return missing("messages");
  if (!messages.is(JsonType::array)) return wrong("messages", "an array");
  if (!messages.first().present()) return wrong("messages", "an array of at least one message");
  CallPairs pairs("content");
  for (JsonView message = messages.first(); message.present(); message = message.after()) {
    if (sums.messages == kMostMessages)
      return wrong("messages", "at most " + std::to_string(kMostMessages) + " messages");
    if (auto checked = check_turn(message, sums); !checked)
      return under(at_index("messages", sums.messages), std::move(checked.error()));
    if (pairing == Pairing::checked)
      if (auto checked = check_pairs(message, sums.messages, pairs); !checked) return checked;
    ++sums.messages;
  }
  return pairs.finish();
}

Result<void> check_system(JsonView system, Sums& sums) {
  if (!system.given()) return {};
  auto checked = check_content(system, sums);
  return checked ? checked : under("system", std::move(checked.error()));
}

Result<void> check_anthropic_tools(JsonView tools, Sums& sums) {
  if (!tools.given()) return {};
  if (!tools.is(JsonType::array)) return wrong("tools", "an array");
  std::size_t index = 0;
  for (JsonView tool = tools.first(); tool.present(); tool = tool.after(), ++index) {
    if (auto checked = check_anthropic_tool(tool); !checked)
      return under(at_index("tools", index), std::move(checked.error()));
    sums.add_tool(tool);
  }
  return {};
}

}  // namespace glmgate::protocol
