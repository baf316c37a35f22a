// The steps of chat_to_messages(), each with its own file. Private to this room.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/chat_to_messages.h"
#include "protocol/json_scan.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {

/// One chat request being translated.
struct ChatTranslation {
  JsonView root;
  const MessagesTarget& target;
  Warnings warnings;
  ToolNames names;
  std::string system;                  ///< blocks of the system prompt, so far
  std::string messages;                ///< so far, without the brackets
  std::string fields;                  ///< other members, so far
  std::string output_config;           ///< its members, so far
  std::set<std::string> called_tools;  ///< in the history, by tool_name()
  /// The conversation ends with results of a turn that did not begin with thinking.
  bool goes_on_without_thinking = false;

  void add_system(std::string_view escaped);
  /// The upstream's name for a tool, as a JSON string; remembered if it is another.
  std::string tool_name(JsonView name, ClientTool::Kind kind = ClientTool::Kind::function);
};

/// The conversation.
Result<void> retell_history(ChatTranslation& t);

/// tools and tool_choice; tools that only the history knows.
Result<void> retell_tools(ChatTranslation& t);

/// Text, in chat's words or in those of Responses, which clients mix.
inline bool is_text_part(JsonView part) {
  const JsonView type = part.find("type");
  return type.equals("text") || type.equals("input_text") || type.equals("output_text");
}

/// A content part that is not text, as a block. Fault: path within the part.
Result<std::string> read_attachment(ChatTranslation& t, JsonView part);

/// {"type":"text","text":...}; empty if there is nothing but space in it, which Anthropic refuses.
std::string text_block(std::string_view escaped);

}  // namespace glmgate::protocol
