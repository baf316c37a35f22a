// The output items of a response while they are made. Private to this room, used by
// responses_writer.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/custom_input.h"
#include "protocol/thinking_blocks.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {

struct OutputItem {
  enum class Kind { reasoning, message, call };
  struct Part {
    bool is_refusal = false;
    std::string text;
    std::size_t sent = 0;  ///< bytes of `text` that went out
  };

  Kind kind = Kind::message;
  std::string id;
  bool added = false;  ///< its output_item.added went out

  std::vector<Part> parts;      ///< message: its parts; reasoning: one, or none that can be read
  std::size_t parts_added = 0;  ///< of which content_part.added or its like went out

  ThinkingBlocks thinking;  ///< of reasoning, with its upstream's signatures

  // Of a call.
  ClientTool tool;
  std::size_t number = 0;  ///< which of the answer's calls
  std::string call_id;
  std::string arguments;
  std::size_t arguments_sent = 0;
  ObjectEnd end;

  /// Custom and hosted calls go out in one piece: what runs them must not see half of it.
  bool is_buffered() const {
    return kind == Kind::call && tool.kind != ClientTool::Kind::function &&
           tool.kind != ClientTool::Kind::namespaced;
  }
};

struct ItemStyle {
  bool hides_thinking = false;
  bool raw_thinking = false;
};

/// The whole item as JSON. Nothing for a hosted call whose arguments cannot be its action.
/// @param status  "in_progress" without parts and arguments, "completed" or "incomplete"
/// @param seal    encrypted_content of reasoning; empty: none
std::optional<std::string> write_item(const OutputItem& item, std::string_view status,
                                      const ItemStyle& style, std::string_view seal);

/// A content part of a message.
std::string write_part(bool is_refusal, std::string_view text);

}  // namespace glmgate::protocol
