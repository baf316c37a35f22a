#include "protocol/responses_to_chat.h"

#include <algorithm>

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/responses_draft.h"
#include "protocol/responses_request.h"

namespace glmgate::protocol {
namespace {

using Kind = ClientTool::Kind;

constexpr std::size_t kMostMessages = 10'000;

/// How a top-level field comes to the upstream. What is in no row is dropped with a warning.
enum class Way : std::uint8_t {
  same,      ///< chat has the same field
  read,      ///< read below
  answered,  ///< it shapes the answer or is echoed in it; the upstream need not know
  hint,      ///< no answer differs without it
  dropped
};
struct Row {
  std::string_view field;
  Way way;
};

constexpr Row kRows[] = {
    {"temperature", Way::same},
    {"top_p", Way::same},
    {"user", Way::same},
    {"prompt_cache_key", Way::same},
    {"model", Way::read},
    {"input", Way::read},
    {"instructions", Way::read},
    {"tools", Way::read},
    {"tool_choice", Way::read},
    {"parallel_tool_calls", Way::read},
    {"max_output_tokens", Way::read},
    {"max_completion_tokens", Way::read},
    {"max_tokens", Way::read},
    {"reasoning", Way::read},
    {"text", Way::read},
    {"include", Way::read},
    {"stream", Way::read},
    {"stream_options", Way::read},
    {"safety_identifier", Way::read},
    {"truncation", Way::read},
    {"top_logprobs", Way::read},
    {"service_tier", Way::read},
    {"background", Way::read},  // true is refused
    {"previous_response_id", Way::read},
    {"conversation", Way::read},
    {"prompt", Way::read},
    {"store", Way::answered},
    {"metadata", Way::answered},
    {"client_metadata", Way::hint},
    {"prompt_cache_retention", Way::hint},
    {"prompt_cache_options", Way::hint},
    {"max_tool_calls", Way::dropped},
    {"context_management", Way::dropped},
};

/// Fit to stand in a header.
bool is_plain_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

class Translation {
 public:
  Translation(const Body& body, const ResponsesRules& rules)
      : root_(body.root()),
        size_(body.bytes().size()),
        tools_(warnings_),
        history_(rules, tools_, warnings_) {}

  Result<ChatDraft> run() {
    out_.reserve(size_ + size_ / 8 + 1024);
    if (auto added = add_tools(); !added) return fail(std::move(added.error()));
    history_.add_instructions(root_.find("instructions"));
    if (auto added = history_.add_input(root_.find("input")); !added)
      return fail(std::move(added.error()));
    if (history_.size() == 0) return wrong("input", "a string or an array of at least one item");
    if (history_.size() > kMostMessages)
      return wrong("input", "at most " + std::to_string(kMostMessages) + " messages");
    (out_ += R"({"model":)") += root_.find("model").raw();
    ((out_ += R"(,"messages":[)") += history_.json()) += ']';
    if (auto written = write_tools(); !written) return fail(std::move(written.error()));
    write_fields();
    write_limits();
    write_reasoning();
    write_text();
    read_include();
    write_stream();
    out_ += '}';
    draft_.body = std::move(out_);
    draft_.warnings = warnings_.take();
    draft_.names = tools_.take_names();
    return std::move(draft_);
  }

 private:
  /// Clients that load tools bit by bit have some of them in the history.
  Result<void> add_tools() {
    if (auto added = tools_.add_all(root_.find("tools"), "tools"); !added) return added;
    std::size_t index = 0;
    for (JsonView item = root_.find("input").first(); item.present();
         item = item.after(), ++index) {
      const JsonView type = item.find("type");
      if (!type.equals("additional_tools") && !type.equals("tool_search_output")) continue;
      auto added = tools_.add_all(item.find("tools"), at_index("input", index) + ".tools");
      if (!added) return added;
    }
    return {};
  }

  void member(std::string_view key, std::string_view json) {
    (((out_ += ",\"") += key) += "\":") += json;
  }

  Result<void> write_tools() {
    const JsonView choice = root_.find("tool_choice");
    if (tools_.empty()) {
      if (choice.is(JsonType::object) || choice.equals("required"))
        warnings_.add("dropped", "tool_choice");
      return {};
    }
    member("tools", "[" + tools_.json() + "]");
    const JsonView parallel = root_.find("parallel_tool_calls");
    if (parallel.boolean()) member("parallel_tool_calls", parallel.raw());
    if (choice.is(JsonType::string)) member("tool_choice", choice.raw());
    if (choice.is(JsonType::object)) return write_choice(choice);
    return {};
  }

  Result<void> write_choice(JsonView choice) {
    if (!choice.find("type").equals("allowed_tools")) {
      auto named = chosen(choice, "tool_choice");
      if (!named) return fail(std::move(named.error()));
      if (named->empty())
        warnings_.add("dropped", "tool_choice");
      else
        member("tool_choice", *named);
      return {};
    }
    const JsonView nested = choice.find("allowed_tools");
    const JsonView allowed = nested.is(JsonType::object) ? nested : choice;
    std::string list;
    std::size_t index = 0;
    for (JsonView tool = allowed.find("tools").first(); tool.present();
         tool = tool.after(), ++index) {
      const std::string path = at_index("tool_choice.tools", index);
      auto named = chosen(tool, path);
      if (!named) return fail(std::move(named.error()));
      if (named->empty()) warnings_.add("dropped", path);
      if (!named->empty()) (list += list.empty() ? "" : ",") += *named;
    }
    if (list.empty()) return wrong("tool_choice.tools", "a list with one of the tools in it");
    const bool must = allowed.find("mode").equals("required");
    member("tool_choice", std::string(R"({"type":"allowed_tools","allowed_tools":{"mode":")") +
                              (must ? "required" : "auto") + R"(","tools":[)" + list + "]}}");
    return {};
  }

  /// One tool in chat's words; empty if it was dropped. Fault if it was never there.
  Result<std::string> chosen(JsonView tool, const std::string& path) {
    const JsonView type = tool.find("type");
    JsonView named = tool;
    for (const std::string_view key : {"function", "custom"})
      if (tool.find(key).is(JsonType::object)) named = tool.find(key);
    const std::string name = named.find("name").string().value_or("");
    const std::string space = tool.find("namespace").string().value_or("");
    struct Try {
      std::string_view type;
      Kind kind;
      std::string_view name;
    };
    const Try tries[] = {{"function", Kind::function, name},
                         {"custom", Kind::custom, name},
                         {"local_shell", Kind::local_shell, "local_shell"},
                         {"shell", Kind::shell, "shell"},
                         {"apply_patch", Kind::apply_patch, "apply_patch"}};
    for (const Try& row : tries) {
      if (!type.equals(row.type)) continue;
      if (!tools_.has(row.kind, space, row.name))
        return wrong(path + (row.name == name ? ".name" : ".type"), "the name of one of the tools");
      return R"({"type":"function","function":{"name":)" +
             json::quote(tools_.upstream_name(row.kind, space, row.name)) + "}}";
    }
    return std::string();
  }

  void write_fields() {
    for (JsonView field = root_.first(); field.present(); field = field.after()) {
      if (!field.given()) continue;
      const auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& known) {
        return field.key_equals(known.field);
      });
      const Way way = row == std::end(kRows) ? Way::dropped : row->way;
      if (way == Way::same) member(row->field, field.raw());
      if (way != Way::dropped) continue;
      const std::string key = field.key();
      warnings_.add("dropped", is_plain_key(key) ? key : "others");
    }
    const JsonView person = root_.find("safety_identifier");
    if (person.given() && !root_.find("user").given()) member("user", person.raw());
    if (root_.find("truncation").equals("auto")) warnings_.add("dropped", "truncation");
    if (root_.find("top_logprobs").integer().value_or(0) > 0)
      warnings_.add("dropped", "top_logprobs");
    const JsonView tier = root_.find("service_tier");
    if (tier.given() && !tier.equals("auto") && !tier.equals("default"))
      warnings_.add("dropped", "service_tier");
  }

  void write_limits() {
    for (const std::string_view key : {"max_output_tokens", "max_completion_tokens", "max_tokens"})
      if (const JsonView most = root_.find(key); most.given())
        return member("max_tokens", most.raw());
  }

  /// Thinking goes on being shown to GLM whole, once the client has brought some back
  /// (wire-protocols 3.8).
  void write_reasoning() {
    const JsonView reasoning = root_.find("reasoning");
    const JsonView effort = reasoning.find("effort");
    if (effort.given()) member("reasoning_effort", effort.raw());
    if (history_.replays_reasoning() && !effort.equals("none"))
      member("thinking", R"({"type":"enabled","clear_thinking":false})");
    const bool wants_summary =
        reasoning.find("summary").given() || reasoning.find("generate_summary").given();
    draft_.hides_thinking = !wants_summary || reasoning.find("summary").equals("none");
    for (const std::string_view key : {"context", "mode"})
      if (reasoning.find(key).given()) warnings_.add("dropped", "reasoning." + std::string(key));
  }

  void write_text() {
    const JsonView text = root_.find("text");
    const JsonView verbosity = text.find("verbosity");
    if (verbosity.given() && !verbosity.equals("medium")) member("verbosity", verbosity.raw());
    const JsonView format = text.find("format");
    const JsonView type = format.find("type");
    if (type.equals("json_object")) {
      member("response_format", R"({"type":"json_object"})");
    } else if (type.equals("json_schema")) {
      const JsonView name = format.find("name");
      std::string schema = R"({"name":)";
      schema += name.given() ? name.raw() : "\"output\"";
      for (const std::string_view key : {"description", "schema", "strict"})
        if (const JsonView value = format.find(key); value.given())
          (((schema += ",\"") += key) += "\":") += value.raw();
      member("response_format", R"({"type":"json_schema","json_schema":)" + schema + "}}");
    } else if (type.given() && !type.equals("text")) {
      warnings_.add("dropped", "text.format");
    }
  }

  void read_include() {
    std::size_t index = 0;
    for (JsonView word = root_.find("include").first(); word.present();
         word = word.after(), ++index) {
      if (!word.equals("reasoning.encrypted_content"))  // which is always there
        warnings_.add("dropped", at_index("include", index));
    }
  }

  void write_stream() {
    if (root_.find("stream").boolean() != true) return;
    member("stream", "true");
    if (root_.find("stream_options").find("include_usage").boolean() == true)
      member("stream_options", R"({"include_usage":true})");
  }

  JsonView root_;
  std::size_t size_;
  Warnings warnings_;
  ResponsesTools tools_;
  ResponsesHistory history_;
  std::string out_;
  ChatDraft draft_;
};

}  // namespace

Result<ChatDraft> responses_to_chat(const Body& body, const ResponsesRules& rules) {
  if (auto refused = refuse_references(body); !refused) return fail(std::move(refused.error()));
  return Translation(body, rules).run();
}

}  // namespace glmgate::protocol
