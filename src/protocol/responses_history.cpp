#include <iterator>

#include "base/json.h"
#include "protocol/argument_text.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/responses_draft.h"
#include "protocol/responses_parts.h"
#include "protocol/thinking_blocks.h"

namespace glmgate::protocol {
namespace {

using Kind = ClientTool::Kind;

bool is_output(JsonView type) {
  for (const std::string_view known :
       {"function_call_output", "custom_tool_call_output", "local_shell_call_output",
        "shell_call_output", "apply_patch_call_output"})
    if (type.equals(known)) return true;
  return false;
}

/// The hosted shell of old had only `id`.
JsonView call_id_of(JsonView item) {
  const JsonView id = item.find("call_id");
  return id.given() ? id : item.find("id");
}

std::string input_object(std::string_view quoted) {
  return R"({"input":)" + std::string(quoted) + "}";
}

std::string quoted_inside(std::string_view text) {
  const std::string quoted = json::quote(text);
  return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

/// A part of a message or of a tool's output. Words may stand for what cannot be carried, but not
/// in what the user says just now.
Result<ResponsesHistory::Read> ResponsesHistory::read_part(JsonView part, bool is_newest) {
  if (is_image(part) && rules_.takes_images) return Read{.text = {}, .image = chat_image(part)};
  if (rules_.takes_pdf && is_pdf(part)) return Read{.text = {}, .image = chat_pdf(part)};
  auto text = is_image(part)
                  ? Result<std::string>(unsupported("", unreadable(Medium::image, rules_.model)))
                  : part_text(part);
  const auto medium = medium_of(part);
  const bool omits = !text && text.error().code == FaultCode::unsupported_field && medium &&
                     !is_newest && rules_.images != MediaPolicy::refuse;
  if (!text && !omits) return fail(std::move(text.error()));
  if (omits) warnings_.add("changed", "input[].content[].type");
  return Read{.text = omits ? quoted_inside(omitted(*medium, rules_.model)) : *text, .image = {}};
}

Result<void> ResponsesHistory::read_output_parts(JsonView parts, std::size_t& images,
                                                 ToolResult& result) {
  std::size_t index = 0;
  for (JsonView part = parts.first(); part.present(); part = part.after(), ++index) {
    auto read = read_part(part, false);
    if (!read) return under(at_index(".output", index), std::move(read.error()));
    if (index > 0) result.text += "\\n";
    if (read->image.empty()) {
      result.text += read->text;
      continue;
    }
    result.text += is_image(part) ? "[see attached image " + std::to_string(++images) + "]"
                                  : std::string("[see attached file]");
    (result.images += result.images.empty() ? "" : ",") += read->image;
  }
  return {};
}

Result<ResponsesHistory::ToolResult> ResponsesHistory::read_output(JsonView item,
                                                                   std::size_t& images) {
  ToolResult result;
  const JsonView type = item.find("type");
  const JsonView output = item.find("output");
  if (type.equals("apply_patch_call_output")) {
    result.text = between_quotes(item.find("status"));
    if (output.is(JsonType::string)) (result.text += "\\n") += between_quotes(output);
  } else if (output.is(JsonType::string)) {
    result.text = between_quotes(output);
  } else if (output.is(JsonType::array) && !type.equals("shell_call_output") &&
             !type.equals("local_shell_call_output")) {
    if (auto read = read_output_parts(output, images, result); !read)
      return fail(std::move(read.error()));
  } else if (output.find("content").is(JsonType::string)) {
    result.text = between_quotes(output.find("content"));
  } else if (output.given()) {
    result.text = quoted_inside(output.raw());
  }
  return result;
}

void ResponsesHistory::begin_message(std::string_view role) {
  json_ += json_.empty() ? "" : ",";
  ((json_ += R"({"role":")") += role) += R"(","content":)";
  ++size_;
}

void ResponsesHistory::add_instructions(JsonView text) {
  if (!text.is(JsonType::string) || text.equals("")) return;
  begin_message("system");
  (json_ += text.raw()) += '}';
}

Result<void> ResponsesHistory::add_input(JsonView input) {
  if (input.is(JsonType::string)) {
    if (input.equals("")) return {};
    begin_message("user");
    (json_ += input.raw()) += '}';
    return {};
  }
  index_outputs(input);
  newest_ = newest_of_items(input);
  std::size_t index = 0;
  for (JsonView item = input.first(); item.present(); item = item.after(), ++index)
    if (auto added = add_item(item, index); !added) return added;
  return flush();
}

void ResponsesHistory::index_outputs(JsonView input) {
  std::size_t index = 0;
  for (JsonView item = input.first(); item.present(); item = item.after(), ++index)
    if (is_output(item.find("type")))
      outputs_[call_id_of(item).string().value_or("")].list.push_back({item, index});
  consumed_.resize(index);
}

Result<void> ResponsesHistory::add_item(JsonView item, std::size_t index) {
  const JsonView type = item.find("type");
  if (!type.given() || type.equals("message")) return add_message(item, index);
  if (add_call_item(item, index)) return {};
  if (type.equals("reasoning")) {
    add_reasoning(item);
    return {};
  }
  if (is_output(type)) {
    if (auto flushed = flush(); !flushed || consumed_[index]) return flushed;
    const std::string id = call_id_of(item).string().value_or("");
    return fail(FaultCode::bad_value,
                "No tool call found for function call output with call_id " + id + ".",
                at_index("input", index) + ".call_id");
  }
  if (type.equals("agent_message")) {
    if (auto flushed = flush(); !flushed) return flushed;
    return add_spoken("user", item.find("content"), index);
  }
  if (type.equals("additional_tools")) return {};  // they are among the tools
  if (type.equals("item_reference")) {             // refuse_references() lets none but these pass
    warnings_.add("dropped", at_index("input", index) + ".id");
    return {};
  }
  // Calls of tools that OpenAI ran on its side, and what we do not know.
  for (const std::string_view known :
       {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
        "mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response",
        "tool_search_call", "tool_search_output"})
    if (type.equals(known)) {
      warnings_.add("dropped", "input[]." + std::string(known));
      return {};
    }
  warnings_.add("dropped", at_index("input", index));
  return {};
}

Result<void> ResponsesHistory::add_message(JsonView item, std::size_t index) {
  const JsonView role = item.find("role");
  const JsonView content = item.find("content");
  const std::string path = at_index("input", index) + ".content";
  if (role.equals("assistant")) return add_assistant_text(content, path);
  if (auto flushed = flush(); !flushed) return flushed;
  return add_spoken(role.equals("user") ? "user" : "system", content, index);
}

/// A message of the user or the system. One text is a string, as everyone takes it.
Result<void> ResponsesHistory::add_spoken(std::string_view role, JsonView content,
                                          std::size_t item) {
  if (content.equals("") || (content.is(JsonType::array) && !content.first().present())) {
    warnings_.add("dropped", "input[].content");  // an empty message is refused by some servers
    return {};
  }
  if (content.is(JsonType::string)) {
    begin_message(role);
    (json_ += content.raw()) += '}';
    return {};
  }
  std::string parts;
  std::string only_text;
  std::size_t count = 0;
  std::size_t index = 0;
  for (JsonView part = content.first(); part.present(); part = part.after(), ++index) {
    if (part.find("type").equals("encrypted_content")) {
      warnings_.add("dropped", "input[].content[].encrypted_content");
      continue;
    }
    auto read = read_part(part, newest_.is(item));
    if (!read)
      return under(at_index("input", item) + at_index(".content", index), std::move(read.error()));
    if (count++ > 0) parts += ',';
    if (!read->image.empty()) {
      parts += read->image;
      continue;
    }
    parts += R"({"type":"text","text":")" + read->text + "\"}";
    if (count == 1) only_text = "\"" + read->text + "\"";
  }
  if (count == 0) return {};
  begin_message(role);
  if (count == 1 && !only_text.empty())
    json_ += only_text;
  else
    ((json_ += '[') += parts) += ']';
  json_ += '}';
  return {};
}

Result<void> ResponsesHistory::add_assistant_text(JsonView content, const std::string& path) {
  const auto add = [this](std::string_view text) {
    if (text.empty()) return;
    if (has_text_) text_ += "\\n";
    text_ += text;
    has_text_ = true;
  };
  if (content.is(JsonType::string)) add(between_quotes(content));
  std::size_t index = 0;
  for (JsonView part = content.first(); part.present(); part = part.after(), ++index) {
    if (is_image(part)) {
      warnings_.add("dropped", "input[].content[].image_url");  // chat models do not draw
      continue;
    }
    auto text = part_text(part);
    if (!text) return under(path + at_index("", index), std::move(text.error()));
    add(*text);
  }
  return {};
}

/// Only a seal says that the text is what a model of ours thought: another's thinking misleads.
void ResponsesHistory::add_reasoning(JsonView item) {
  const std::string sealed = item.find("encrypted_content").string().value_or("");
  const ThinkingSeal* const seal = sealed.empty() ? nullptr : rules_.seal;
  if (const auto thinking = seal == nullptr ? std::nullopt : seal->open(sealed, {})) {
    reasoning_ += *thinking;
  } else if (const auto blocks = seal == nullptr ? std::nullopt : seal->open_blocks(sealed)) {
    reasoning_ += thinking_text(*blocks);
    append_element(blocks_, *blocks);
  } else if (!sealed.empty()) {
    warnings_.add("dropped", "input[].encrypted_content");
  } else if (item.find("summary").first().present() || item.find("content").first().present()) {
    warnings_.add("dropped", "input[].reasoning");
  }
}

/// The thinking of the assistant message being made; what the client did not bring back is looked
/// for by the call that it led to.
void ResponsesHistory::write_reasoning() {
  if (reasoning_.empty() && blocks_.empty() && !calls_.empty() && rules_.recall)
    if (auto blocks = rules_.recall(calls_.front().id)) {
      reasoning_ = thinking_text(*blocks);
      blocks_ = std::move(*blocks);
    }
  if (!reasoning_.empty()) (json_ += R"(,"reasoning_content":)") += json::quote(reasoning_);
  if (!blocks_.empty() && rules_.to_messages)
    ((json_ += R"(,"thinking_blocks":[)") += blocks_) += ']';
  replays_reasoning_ = replays_reasoning_ || !reasoning_.empty();
  reasoning_.clear();
  blocks_.clear();
}

bool ResponsesHistory::add_call_item(JsonView item, std::size_t index) {
  const JsonView type = item.find("type");
  const std::string name = item.find("name").string().value_or("");
  const std::string space = item.find("namespace").string().value_or("");
  if (type.equals("function_call"))
    add_call(item.find("call_id"), tools_.upstream_name(Kind::function, space, name),
             function_arguments(item.find("arguments"), index));
  else if (type.equals("custom_tool_call"))
    add_call(item.find("call_id"), tools_.upstream_name(Kind::custom, space, name),
             json::quote(input_object(item.find("input").raw())));
  else if (type.equals("local_shell_call"))
    add_call(call_id_of(item), tools_.upstream_name(Kind::local_shell, {}, "local_shell"),
             json::quote(item.find("action").raw()));
  else if (type.equals("shell_call"))
    add_call(call_id_of(item), tools_.upstream_name(Kind::shell, {}, "shell"),
             json::quote(item.find("action").raw()));
  else if (type.equals("apply_patch_call"))
    add_call(call_id_of(item), tools_.upstream_name(Kind::apply_patch, {}, "apply_patch"),
             json::quote(item.find("operation").raw()));
  else
    return false;
  return true;
}

/// `arguments` as a JSON string. A client replays what a cut answer left of a call, and servers
/// stumble over arguments that are no object: what is none is wrapped into one.
std::string ResponsesHistory::function_arguments(JsonView arguments, std::size_t index) {
  if (arguments.is(JsonType::object)) return json::quote(arguments.raw());
  if (!arguments.is(JsonType::string) || arguments.equals("")) return "\"{}\"";
  const std::string text = *arguments.string();
  if (tape_.rescan(text, {.depth = kArgumentDepth, .rigor = JsonRigor::upstream}) &&
      tape_.root(text).is(JsonType::object))
    return std::string(arguments.raw());
  warnings_.add("changed", at_index("input", index) + ".arguments");
  return json::quote(input_object(arguments.raw()));
}

void ResponsesHistory::add_call(JsonView id, std::string_view name, const std::string& arguments) {
  calls_json_ += calls_json_.empty() ? "" : ",";
  (calls_json_ += R"({"id":)") += id.raw();
  (calls_json_ += R"(,"type":"function","function":{"name":)") += json::quote(name);
  ((calls_json_ += R"(,"arguments":)") += arguments) += "}}";
  calls_.push_back({id.string().value_or(""), id.raw()});
}

Result<void> ResponsesHistory::flush() {
  if (!has_text_ && calls_.empty()) {
    if (!reasoning_.empty()) warnings_.add("dropped", "input[].reasoning");  // nothing came of it
    reasoning_.clear();
    blocks_.clear();
    return {};
  }
  begin_message("assistant");
  json_ += has_text_ ? "\"" + text_ + "\"" : "null";
  write_reasoning();
  if (!calls_.empty()) ((json_ += R"(,"tool_calls":[)") += calls_json_) += ']';
  json_ += '}';
  text_.clear();
  has_text_ = false;
  calls_json_.clear();
  return answer_calls();
}

/// A tool message for each call, in the order of the calls, wherever the outputs stand: chat wants
/// them right behind their calls. Images follow in a message of the user (wire-protocols 3.2).
Result<void> ResponsesHistory::answer_calls() {
  std::string images;
  std::size_t image_count = 0;
  for (const Call& call : calls_) {
    const auto found = outputs_.find(call.id);
    if (found == outputs_.end() || found->second.taken == found->second.list.size())
      return fail(FaultCode::bad_value, "No tool output found for function call " + call.id + ".",
                  "input");
    const Output& output = found->second.list[found->second.taken++];
    consumed_[output.index] = true;
    auto result = read_output(output.item, image_count);
    if (!result) return under(at_index("input", output.index), std::move(result.error()));
    begin_message("tool");
    ((json_ += '"') += result->text) += R"(","tool_call_id":)";
    (json_ += call.raw_id) += '}';
    if (result->images.empty()) continue;
    images += images.empty() ? "" : ",";
    images += R"({"type":"text","text":)" + json::quote("Image from tool call " + call.id + ":");
    images += "}," + result->images;
  }
  calls_.clear();
  if (images.empty()) return {};
  begin_message("user");
  ((json_ += '[') += images) += "]}";
  return {};
}

}  // namespace glmgate::protocol
