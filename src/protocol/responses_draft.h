// The steps of responses_to_chat(), each with its own file. Private to this room.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "protocol/json_scan.h"
#include "protocol/responses_to_chat.h"
#include "protocol/tool_names.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {

/// The tools of a request as functions, and the names they got.
class ResponsesTools {
 public:
  explicit ResponsesTools(Warnings& warnings) : warnings_(warnings) {}

  /// `path` is where the list stands: "tools", "input[2].tools".
  Result<void> add_all(JsonView tools, const std::string& path);

  bool empty() const { return count_ == 0; }
  const std::string& json() const { return json_; }  ///< elements, comma between them
  ToolNames take_names() { return std::move(names_); }

  /// The upstream's name for a tool in the client's words, declared or not. `kind` tells apart what
  /// shares a name; namespaced tools are of kind function or custom here.
  std::string upstream_name(ClientTool::Kind kind, std::string_view space,
                            std::string_view name) const;
  bool has(ClientTool::Kind kind, std::string_view space, std::string_view name) const;

 private:
  Result<void> add(JsonView tool, const std::string& path, std::string_view space);
  void add_function(JsonView function, const std::string& path, std::string_view space);
  void add_custom(JsonView custom, const std::string& path, std::string_view space);
  void add_hosted(ClientTool::Kind kind, const std::string& path);
  /// Empty if the same tool was there already.
  std::string register_tool(ClientTool::Kind kind, std::string_view space, std::string_view name);
  void append(std::string_view name, std::string_view description, std::string_view parameters,
              std::string_view strict);

  Warnings& warnings_;
  std::string json_;
  std::size_t count_ = 0;
  ToolNames names_;
  std::map<std::string, std::string, std::less<>> upstream_names_;  // by key_of()
  std::map<std::string, bool, std::less<>> taken_;
};

/// Input items as messages.
class ResponsesHistory {
 public:
  ResponsesHistory(const ResponsesRules& rules, const ResponsesTools& tools, Warnings& warnings)
      : rules_(rules), tools_(tools), warnings_(warnings) {}

  void add_instructions(JsonView text);
  Result<void> add_input(JsonView input);

  const std::string& json() const { return json_; }  ///< elements, comma between them
  std::size_t size() const { return size_; }
  bool replays_reasoning() const { return replays_reasoning_; }

 private:
  /// A call in the assistant message being made.
  struct Call {
    std::string id;
    std::string_view raw_id;
  };
  struct Output {
    JsonView item;
    std::size_t index;
  };
  /// The outputs of one call id, in the order in which they came: ids may repeat between turns.
  struct Outputs {
    std::vector<Output> list;
    std::size_t taken = 0;
  };

  /// What a part other than text becomes.
  struct Read {
    std::string text;   ///< as it stands between quotes
    std::string image;  ///< a chat part
  };
  Result<Read> read_part(JsonView part, bool is_newest);
  /// What a tool gave back, as chat can carry it: text, and pictures beside it.
  struct ToolResult {
    std::string text;    // as it stands between quotes
    std::string images;  // chat parts, comma between them
  };
  Result<void> read_output_parts(JsonView parts, std::size_t& images, ToolResult& result);
  Result<ToolResult> read_output(JsonView item, std::size_t& images);

  void index_outputs(JsonView input);
  Result<void> add_item(JsonView item, std::size_t index);
  Result<void> add_message(JsonView item, std::size_t index);
  Result<void> add_spoken(std::string_view role, JsonView content, std::size_t index);
  Result<void> add_assistant_text(JsonView content, const std::string& path);
  void add_reasoning(JsonView item);
  void write_reasoning();
  void add_call(JsonView id, std::string_view name, const std::string& arguments);
  bool add_call_item(JsonView item, std::size_t index);
  std::string function_arguments(JsonView arguments, std::size_t index);
  /// Ends the assistant message being made: it goes out, and the outputs of its calls after it.
  Result<void> flush();
  Result<void> answer_calls();
  void begin_message(std::string_view role);

  const ResponsesRules& rules_;
  const ResponsesTools& tools_;
  Warnings& warnings_;
  std::string json_;
  std::size_t size_ = 0;
  bool replays_reasoning_ = false;
  std::unordered_map<std::string, Outputs> outputs_;
  std::vector<bool> consumed_;  // by item
  NewestUser newest_;
  JsonTape tape_;  // of arguments

  // The assistant message being made.
  std::string reasoning_;
  std::string blocks_;  // the same as thinking blocks, if its upstream signed it
  std::string text_;    // as it stands between the quotes of a JSON string
  bool has_text_ = false;
  std::string calls_json_;
  std::vector<Call> calls_;
};

}  // namespace glmgate::protocol
