#include <string>

#include "base/json.h"
#include "protocol/answer_parts.h"
#include "protocol/chat_fit.h"
#include "protocol/json_write.h"

namespace glmgate::protocol {
namespace {

/// The text parts of an array as one JSON string, with the words for what is omitted; empty if
/// there are other parts. Made of the escaped bytes as they are.
std::string joined_text(const ChatTarget& target, JsonView parts) {
  const bool omits = !target.takes_images && target.images != MediaPolicy::pass;
  std::string out = "\"";
  bool first = true;
  for (JsonView part = parts.first(); part.present(); part = part.after()) {
    const JsonView type = part.find("type");
    const bool is_text =
        type.equals("text") || type.equals("input_text") || type.equals("output_text");
    const JsonView text = is_text                  ? part.find("text")
                          : type.equals("refusal") ? part.find("refusal")
                                                   : JsonView();
    const auto medium = omits ? medium_of(part) : std::nullopt;
    if (!text.is(JsonType::string) && !medium) return {};
    if (!first) out += "\\n";
    first = false;
    if (medium)
      out += escaped(omitted(*medium, target.model));
    else
      out += inside(text);
  }
  return out + "\"";
}

/// Puts `hint` behind the text of the first system message, or before everything if there is none.
class Hint {
 public:
  Hint(ChatFit& fit, std::string_view hint)
      : fit_(fit), quoted_(hint.empty() ? "" : json::quote(hint)) {}

  bool wanted() const { return !quoted_.empty(); }

  /// `text` is the content of a system message as a JSON string.
  void append_to(JsonView content, std::string_view text) {
    std::string longer(text.substr(0, text.size() - 1));
    if (longer.size() > 1) longer += "\\n\\n";
    longer += std::string_view(quoted_).substr(1);
    fit_.body.replace(content, longer);
    quoted_.clear();
  }

  void put_first(JsonView messages) {
    fit_.body.prepend(messages, R"({"role":"system","content":)" + quoted_ + "}");
    quoted_.clear();
  }

 private:
  ChatFit& fit_;
  std::string quoted_;
};

/// GLM documents a plain string for text; arrays of text parts are what many clients send
/// (glm-api 3.2).
void fit_content(ChatFit& fit, JsonView message, bool is_system, Hint& hint) {
  const JsonView content = message.find("content");
  const std::string joined =
      content.is(JsonType::array) ? joined_text(fit.target, content) : std::string();
  const std::string_view text =
      content.is(JsonType::string) ? content.raw() : std::string_view(joined);
  if (!joined.empty()) fit.body.replace(content, joined);
  // Beside images the parts stay; clients mix chat's words with those of Responses.
  for (JsonView part = content.first(); joined.empty() && part.present(); part = part.after())
    if (const JsonView type = part.find("type");
        type.equals("input_text") || type.equals("output_text"))
      fit.body.replace(type, "\"text\"");
  if (is_system && hint.wanted() && !text.empty()) hint.append_to(content, text);
}

void fit_calls(ChatFit& fit, JsonView calls) {
  for (JsonView call = calls.first(); call.present(); call = call.after()) {
    const JsonView function = call.find("function");
    if (function.given() && !call.find("type").given())
      fit.body.set_member(call, "type", "\"function\"");
    if (!function.is(JsonType::object)) continue;
    const JsonView arguments = function.find("arguments");
    if (arguments.is(JsonType::object)) {
      fit.body.replace(arguments, json::quote(arguments.raw()));
    } else if (!arguments.given() || trimmed(inside(arguments)).empty() ||
               trimmed(inside(arguments)) == "null") {
      // Templates read them as JSON.
      fit.body.set_member(function, "arguments", "\"{}\"");
    }
    const JsonView name = function.find("name");
    if (const std::string fitted = fit.tool_name(name); fitted != name.raw())
      fit.body.replace(name, fitted);
  }
}

/// vLLM's clients keep what it calls `reasoning` under that name.
void fit_reasoning(ChatFit& fit, JsonView message) {
  const JsonView reasoning = message.find("reasoning");
  if (!reasoning.is(JsonType::string) || message.find("reasoning_content").given()) return;
  fit.body.set_member(message, "reasoning_content", reasoning.raw());
  fit.body.remove_member(message, "reasoning");
}

/// `function_call` and role `function`, from before there were tools: calls need ids now, so the
/// place makes one.
class LegacyCalls {
 public:
  void fit_assistant(ChatFit& fit, JsonView message, std::size_t index) {
    const JsonView call = message.find("function_call");
    if (!call.given() || message.find("tool_calls").given()) return;
    id_ = "call_" + std::to_string(index);
    const JsonView arguments = call.find("arguments");
    const bool is_nothing = arguments.is(JsonType::string) && trimmed(inside(arguments)).empty();
    const std::string text = !arguments.given() || is_nothing ? "\"{}\""
                             : arguments.is(JsonType::string) ? std::string(arguments.raw())
                                                              : json::quote(arguments.raw());
    fit.body.set_member(message, "tool_calls",
                        R"([{"id":")" + id_ + R"(","type":"function","function":{"name":)" +
                            fit.tool_name(call.find("name")) + R"(,"arguments":)" + text + "}}]");
    fit.body.remove_member(message, "function_call");
  }

  void fit_answer(ChatFit& fit, JsonView message, std::size_t index) {
    if (id_.empty()) id_ = "call_" + std::to_string(index);
    fit.body.replace(message.find("role"), "\"tool\"");
    if (!message.find("tool_call_id").given())
      fit.body.set_member(message, "tool_call_id", "\"" + id_ + "\"");
    id_.clear();
  }

 private:
  std::string id_;  // of the call that waits for its answer
};

}  // namespace

void fit_roles(ChatFit& fit) {
  for (JsonView message = fit.root.find("messages").first(); message.present();
       message = message.after())
    if (const JsonView role = message.find("role"); role.equals("developer"))
      fit.body.replace(role, "\"system\"");
}

void fit_messages(ChatFit& fit, std::string_view hint) {
  const JsonView messages = fit.root.find("messages");
  Hint words(fit, hint);
  LegacyCalls legacy;
  std::size_t index = 0;
  for (JsonView message = messages.first(); message.present(); message = message.after(), ++index) {
    const JsonView role = message.find("role");
    const bool is_developer = role.equals("developer");
    if (is_developer) fit.body.replace(role, "\"system\"");
    if (fit.to_glm()) fit_content(fit, message, is_developer || role.equals("system"), words);
    if (role.equals("function")) legacy.fit_answer(fit, message, index);
    if (!role.equals("assistant")) continue;
    // Some servers refuse an assistant message without `content`; null is what its absence means.
    if (!message.find("content").present()) fit.body.set_member(message, "content", "null");
    if (fit.to_glm()) fit_reasoning(fit, message);
    fit_calls(fit, message.find("tool_calls"));
    legacy.fit_assistant(fit, message, index);
  }
  if (words.wanted()) words.put_first(messages);
}

}  // namespace glmgate::protocol
