#include "sandbox/responses_request.h"

#include <algorithm>
#include <unordered_map>

#include "sandbox/reading.h"
#include "sandbox/signature.h"

namespace glmgate::sandbox {
namespace {

constexpr std::size_t kMostTools = 256;

class Reader : RequestReader {
 public:
  explicit Reader(Address address) : RequestReader(address) {}

  Checked<Request> read(std::string_view body) {
    return result(read_body(body) && read_model() && check_kind("responses") && check_store() &&
                  read_instructions() && read_input() && read_tools() && read_sampling() &&
                  read_limit("max_output_tokens") && read_reasoning() && read_choice() &&
                  read_format());
  }

 private:
  bool check_store() {
    if (const json::value* previous = field("previous_response_id"))
      return no_because(
          "1214", "Previous response with id '" + std::string(text_of(*previous)) + "' not found.");
    for (const std::string_view key : {"conversation", "prompt"})
      if (field(key) != nullptr) return no("1214", key);
    bool background = false;
    return flag("background", background) && (!background || no("1214", "background"));
  }

  static std::string_view text_of(const json::value& value) {
    return value.is_string() ? view(value) : std::string_view{};
  }

  bool read_instructions() {
    const json::value* instructions = field("instructions");
    if (instructions == nullptr) return true;
    if (!instructions->is_string()) return no("1214", "instructions");
    if (!view(*instructions).empty())
      out_.messages.push_back(
          {.role = Role::system, .text = view(*instructions), .source = instructions});
    return true;
  }

  bool read_input() {
    const json::value* input = field("input");
    if (input == nullptr) return no("1213", "input");
    if (input->is_string()) {
      out_.messages.push_back({.role = Role::user, .text = view(*input), .source = input});
      return true;
    }
    if (!input->is_array() || input->get_array().empty()) return no("1214", "input");
    const json::array& items = input->get_array();
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!read_item(items[i], element("input", i))) return false;
    for (const auto& [id, answered] : calls_)
      if (!answered)
        return no_because("1214",
                          "No tool output found for function call " + std::string(id) + ".");
    const bool asked = std::ranges::any_of(out_.messages, [](const Message& each) {
      return each.role == Role::user || each.role == Role::tool;
    });
    return (asked || no_because("1214", "input: at least one user message is required")) &&
           check_image_count();
  }

  bool read_item(const json::value& item, const std::string& path) {
    if (!item.is_object()) return no("1214", path);
    const std::string_view type = json::find_string(item, "type", "message");
    if (type == "message") return read_message(item, path);
    if (type == "reasoning") return read_thought(item, path);
    if (type == "function_call") return read_call(item, "arguments", path);
    if (type == "custom_tool_call") return read_call(item, "input", path);
    if (is_one_of(type, {"function_call_output", "custom_tool_call_output"}))
      return read_output(item, path);
    if (type == "item_reference") {
      // Clients that think all is stored refer to reasoning by its id; without it the turn still
      // stands.
      const std::string_view id = json::find_string(item, "id");
      if (id.starts_with("rs_")) return true;
      return no_because("1214", "Item with id '" + std::string(id) +
                                    "' not found. Items are not persisted when `store` is set to "
                                    "false.");
    }
    if (type == "additional_tools") return read_tool_list(find_given(item, "tools"), path);
    // The rest (searches, shells, other agents' words) is context: counted, not understood.
    assistant(item).add_text(out_.keep(json::serialize(item)));
    return true;
  }

  /// The message that assistant-side items in a row share.
  Message& assistant(const json::value& item) {
    if (out_.messages.empty() || out_.messages.back().role != Role::assistant)
      out_.messages.push_back({.role = Role::assistant, .source = &item});
    return out_.messages.back();
  }

  bool read_message(const json::value& item, const std::string& path) {
    const std::string_view role = json::find_string(item, "role");
    const json::value* content = find_given(item, "content");
    if (content == nullptr) return no("1213", path + ".content");
    if (role == "assistant") return read_content(*content, path + ".content", assistant(item));
    Message message{.source = &item};
    if (is_one_of(role, {"system", "developer"}))
      message.role = Role::system;
    else if (role != "user")
      return role.empty() ? no("1213", path + ".role") : no("1214", path + ".role");
    if (!read_content(*content, path + ".content", message)) return false;
    out_.messages.push_back(std::move(message));
    return true;
  }

  bool read_content(const json::value& content, const std::string& path, Message& message) {
    if (content.is_string()) {
      message.add_text(view(content));
      return true;
    }
    if (!content.is_array()) return no("1214", path);
    const json::array& parts = content.get_array();
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!read_part(parts[i], element(path, i), message)) return false;
    return true;
  }

  bool read_part(const json::value& part, const std::string& path, Message& message) {
    if (!part.is_object()) return no("1214", path);
    const std::string_view type = json::find_string(part, "type");
    if (type.empty()) return no("1213", path + ".type");
    if (is_one_of(type, {"input_text", "output_text", "refusal", "text"})) {
      const std::string_view key = type == "refusal" ? type : "text";
      const json::value* text = find_given(part, key);
      if (text == nullptr) return no("1213", path + "." + std::string(key));
      if (!text->is_string()) return no("1214", path + "." + std::string(key));
      message.add_text(view(*text));
      return true;
    }
    if (type == "input_image") {
      if (json::find_string(part, "image_url").empty()) return no("1213", path + ".image_url");
      ++message.images;
      return check_image_model("images");
    }
    if (type == "input_file") {
      if (json::find_string(part, "file_data").empty() &&
          json::find_string(part, "file_url").empty())
        return no("1213", path + ".file_data");
      ++message.files;
      return check_image_model("files");
    }
    return no("1214", path + ".type");
  }

  /// What we sealed comes back as it was; else what can be read of it.
  bool read_thought(const json::value& item, const std::string& path) {
    std::string text;
    if (auto opened = open_thinking(json::find_string(item, "encrypted_content"))) {
      text = std::move(*opened);
    } else {
      for (const std::string_view key : {"content", "summary"}) {
        const json::value* list = find_given(item, key);
        if (list == nullptr || !text.empty()) continue;
        if (!list->is_array()) return no("1214", path + "." + std::string(key));
        for (const json::value& part : list->get_array()) text += json::find_string(part, "text");
      }
    }
    Message& message = assistant(item);
    if (!message.reasoning.empty()) text.insert(0, message.reasoning);
    if (!text.empty()) message.reasoning = out_.keep(std::move(text));
    return true;
  }

  bool read_call(const json::value& item, std::string_view key, const std::string& path) {
    const PastCall call{.id = json::find_string(item, "call_id"),
                        .name = json::find_string(item, "name"),
                        .arguments = json::find_string(item, key)};
    if (call.id.empty()) return no("1213", path + ".call_id");
    if (call.name.empty()) return no("1213", path + ".name");
    const json::value* text = find_given(item, key);
    if (text == nullptr) return no("1213", path + "." + std::string(key));
    if (!text->is_string()) return no("1214", path + "." + std::string(key));
    if (!calls_.emplace(call.id, false).second) return no("1214", path + ".call_id");
    assistant(item).calls.push_back(call);
    return true;
  }

  bool read_output(const json::value& item, const std::string& path) {
    Message message{
        .role = Role::tool, .answers = json::find_string(item, "call_id"), .source = &item};
    const auto call = calls_.find(message.answers);
    if (call == calls_.end() || call->second)
      return no_because("1214", "No tool call found for function call output with call_id " +
                                    std::string(message.answers) + ".");
    call->second = true;
    const json::value* output = find_given(item, "output");
    if (output == nullptr) return no("1213", path + ".output");
    if (!read_content(*output, path + ".output", message)) return false;
    out_.messages.push_back(std::move(message));
    return true;
  }

  bool read_tools() { return read_tool_list(field("tools"), "tools"); }

  bool read_tool_list(const json::value* tools, const std::string& path,
                      std::string_view space = {}) {
    if (tools == nullptr) return true;
    if (!tools->is_array()) return no("1214", path);
    const json::array& list = tools->get_array();
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!read_tool(list[i], element(path, i), space)) return false;
    return out_.tools.size() <= kMostTools || no("1214", path);
  }

  bool read_tool(const json::value& tool, const std::string& path, std::string_view space) {
    if (!tool.is_object()) return no("1214", path);
    const std::string_view type = json::find_string(tool, "type");
    if (type.empty()) return no("1213", path + ".type");
    const std::string_view name = json::find_string(tool, "name");
    if (type == "namespace" && space.empty() && !name.empty())
      return read_tool_list(find_given(tool, "tools"), path + ".tools", name);
    if (!is_one_of(type, {"function", "custom"})) {  // hosted ones: accepted and not run
      out_.other_tools.push_back(&tool);
      return true;
    }
    if (name.empty()) return no("1213", path + ".name");
    if (!is_tool_name(name, 128)) return no("1214", path + ".name");
    const json::value* parameters = find_given(tool, "parameters");
    if (parameters != nullptr && !parameters->is_object()) return no("1214", path + ".parameters");
    out_.tools.push_back({.name = name,
                          .description = json::find_string(tool, "description"),
                          .parameters = parameters,
                          .space = space,
                          .takes_text = type == "custom"});
    return true;
  }

  bool read_sampling() {
    return flag("stream", out_.stream) && flag("parallel_tool_calls", out_.parallel_calls) &&
           check_range("temperature", 0, 2) && check_range("top_p", 0, 1);
  }

  bool read_reasoning() {
    out_.thinks = model_thinks_unasked();
    const json::value* reasoning = field("reasoning");
    if (reasoning == nullptr) return true;
    if (!reasoning->is_object()) return no("1214", "reasoning");
    const json::value* effort = find_given(*reasoning, "effort");
    if (effort == nullptr) return true;
    const std::string_view word = text_of(*effort);
    if (!is_one_of(word, {"none", "minimal", "low", "medium", "high", "xhigh", "max"}))
      return no("1214", "reasoning.effort");
    if (is_one_of(word, {"none", "minimal"}) && !model_must_think()) out_.thinks = false;
    return true;
  }

  bool read_choice() {
    const json::value* choice = field("tool_choice");
    if (choice == nullptr) return true;
    if (choice->is_string()) {
      const std::string_view word = view(*choice);
      if (!is_one_of(word, {"auto", "none", "required"})) return no("1214", "tool_choice");
      if (word == "none") out_.choice = Choice::none;
      if (word == "required") out_.choice = Choice::required;
      return true;
    }
    const std::string_view type = json::find_string(*choice, "type");
    if (type.empty()) return no("1214", "tool_choice");
    if (type == "allowed_tools") {
      if (json::find_string(*choice, "mode") == "required") out_.choice = Choice::required;
      return true;
    }
    if (!is_one_of(type, {"function", "custom"})) return true;  // a hosted one: not run
    out_.chosen_tool = json::find_string(*choice, "name");
    if (!has_tool(out_.chosen_tool)) return no("1214", "tool_choice.name");
    out_.choice = Choice::required;
    return true;
  }

  bool read_format() {
    const json::value* text = field("text");
    const json::value* format = text == nullptr ? nullptr : find_given(*text, "format");
    if (format == nullptr) return true;
    const std::string_view type = json::find_string(*format, "type");
    if (!is_one_of(type, {"text", "json_object", "json_schema"}))
      return no("1214", "text.format.type");
    if (type == "json_object") out_.format = Format::json_object;
    if (type != "json_schema") return true;
    out_.schema = find_given(*format, "schema");
    if (out_.schema == nullptr) return no("1213", "text.format.schema");
    if (!out_.schema->is_object()) return no("1214", "text.format.schema");
    out_.format = Format::json_schema;
    return true;
  }

  std::unordered_map<std::string_view, bool> calls_;  ///< by call_id; true: answered
};

}  // namespace

Checked<Request> read_responses_request(std::string_view body, Address address) {
  return Reader(address).read(body);
}

}  // namespace glmgate::sandbox
