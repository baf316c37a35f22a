#include "protocol/responses_items.h"

#include "base/json.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {
namespace {

using Kind = ClientTool::Kind;

/// The item's head: id, type, status.
std::string head(const OutputItem& item, std::string_view type, std::string_view status) {
  std::string out = R"({"id":)" + json::quote(item.id) + R"(,"type":")";
  ((out += type) += R"(","status":")") += status;
  return out + "\"";
}

std::string call_head(const OutputItem& item, std::string_view type, std::string_view status) {
  return head(item, type, status) + R"(,"call_id":)" + json::quote(item.call_id);
}

std::string write_reasoning(const OutputItem& item, std::string_view status, const ItemStyle& style,
                            std::string_view seal) {
  std::string out = head(item, "reasoning", status);
  const bool has_text = status != "in_progress" && !style.hides_thinking && !item.parts.empty();
  const auto text = [&](std::string_view type) {
    return R"([{"type":")" + std::string(type) + R"(","text":)" +
           json::quote(item.parts.front().text) + "}]";
  };
  out += R"(,"summary":)" + (has_text && !style.raw_thinking ? text("summary_text") : "[]");
  if (style.raw_thinking)
    out += R"(,"content":)" + (has_text ? text("reasoning_text") : std::string("[]"));
  if (!seal.empty()) out += R"(,"encrypted_content":)" + json::quote(seal);
  return out + "}";
}

std::string write_message(const OutputItem& item, std::string_view status) {
  std::string out = head(item, "message", status) + R"(,"role":"assistant","content":[)";
  if (status != "in_progress")
    for (const OutputItem::Part& part : item.parts) {
      if (&part != item.parts.data()) out += ',';
      out += write_part(part.is_refusal, part.text);
    }
  return out + "]}";
}

/// Members of the arguments, but for `but`; each with a comma before it.
std::string members(JsonView arguments, std::string_view but, std::string_view but_too = {}) {
  std::string out;
  for (JsonView member = arguments.first(); member.present(); member = member.after())
    if (!member.key_equals(but) && (but_too.empty() || !member.key_equals(but_too)))
      out += "," + json::quote(member.key()) + ":" + std::string(member.raw());
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';  // never inside of strings
  return out;
}

std::string one_line(JsonView value) {
  std::string out(value.raw());
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

/// The command lines of a shell, as an array whatever the model made of it.
std::optional<std::string> list_of(JsonView commands, std::string_view before) {
  if (commands.is(JsonType::string))
    return "[" + std::string(before) + std::string(commands.raw()) + "]";
  if (!commands.is(JsonType::array)) return std::nullopt;
  for (JsonView word = commands.first(); word.present(); word = word.after())
    if (!word.is(JsonType::string)) return std::nullopt;
  return one_line(commands);
}

/// The act of a hosted tool: `"action":{...}` or `"operation":{...}`.
std::optional<std::string> write_act(Kind kind, JsonView arguments) {
  if (!arguments.is(JsonType::object)) return std::nullopt;
  if (kind == Kind::apply_patch) {
    if (!arguments.find("type").is(JsonType::string) ||
        !arguments.find("path").is(JsonType::string))
      return std::nullopt;
    return R"("operation":)" + one_line(arguments);
  }
  if (kind == Kind::shell) {
    const auto commands = list_of(arguments.find("commands"), "");
    if (!commands) return std::nullopt;
    return R"("action":{"commands":)" + *commands + members(arguments, "commands") + "}";
  }
  const auto command = list_of(arguments.find("command"), R"("bash","-lc",)");
  if (!command) return std::nullopt;
  std::string out =
      R"("action":{"type":"exec","command":)" + *command + members(arguments, "command", "type");
  if (!arguments.find("env").present()) out += R"(,"env":{})";
  return out + "}";
}

std::optional<std::string> write_hosted(const OutputItem& item, std::string_view status) {
  const auto tape = JsonTape::scan(item.arguments, {});
  if (!tape) return std::nullopt;
  const auto act = write_act(item.tool.kind, tape->root(item.arguments));
  if (!act) return std::nullopt;
  const std::string_view type = item.tool.kind == Kind::local_shell ? "local_shell_call"
                                : item.tool.kind == Kind::shell     ? "shell_call"
                                                                    : "apply_patch_call";
  return call_head(item, type, status) + "," + *act + "}";
}

std::string write_named(const OutputItem& item) {
  std::string out = R"(,"name":)" + json::quote(item.tool.name);
  if (!item.tool.space.empty()) out += R"(,"namespace":)" + json::quote(item.tool.space);
  return out;
}

}  // namespace

std::optional<std::string> write_item(const OutputItem& item, std::string_view status,
                                      const ItemStyle& style, std::string_view seal) {
  const bool is_begun = status == "in_progress";
  if (item.kind == OutputItem::Kind::reasoning) return write_reasoning(item, status, style, seal);
  if (item.kind == OutputItem::Kind::message) return write_message(item, status);
  if (item.tool.kind == Kind::custom)
    return call_head(item, "custom_tool_call", status) + write_named(item) + R"(,"input":)" +
           json::quote(is_begun ? std::string() : custom_input(item.arguments)) + "}";
  if (item.is_buffered()) return write_hosted(item, status);
  return call_head(item, "function_call", status) + write_named(item) + R"(,"arguments":)" +
         json::quote(is_begun ? std::string_view() : std::string_view(item.arguments)) + "}";
}

std::string write_part(bool is_refusal, std::string_view text) {
  if (is_refusal) return R"({"type":"refusal","refusal":)" + json::quote(text) + "}";
  return R"({"type":"output_text","text":)" + json::quote(text) +
         R"(,"annotations":[],"logprobs":[]})";
}

}  // namespace glmgate::protocol
