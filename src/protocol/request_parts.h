// The steps of messages_to_chat(), each with its own file. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/json_scan.h"
#include "protocol/messages_to_chat.h"
#include "protocol/tool_names.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {

/// One request being translated.
struct MessagesTranslation {
  JsonView root;
  const MessagesRules& rules;
  Warnings warnings;
  ToolNames names;
  std::string messages;    ///< of the chat request, so far, without the brackets
  std::string fields;      ///< its other members, so far
  bool is_newest = false;  ///< the message at hand is what the user says just now

  void say(std::string_view message);
  /// The upstream's name for a tool, as a JSON string; remembered if it is another.
  std::string tool_name(JsonView name);
};

/// Takes the pieces that content blocks become.
class BlockSink {
 public:
  virtual ~BlockSink() = default;
  virtual void text(std::string_view escaped) = 0;
  /// @param what  "image" or "file"
  virtual void attach(std::string_view what, std::string_view part) = 0;
};

/// Content of a user message: a string if it is one text, else parts.
class UserContent : public BlockSink {
 public:
  void text(std::string_view escaped) override;
  void attach(std::string_view what, std::string_view part) override;
  bool empty() const { return count_ == 0; }
  std::string take();  ///< JSON; empty again after it

 private:
  std::string parts_;
  std::size_t count_ = 0;
  std::size_t attached_ = 0;
  std::size_t text_begin_ = 0;  // of the last text, in `parts_`
  std::size_t text_size_ = 0;
};

/// A block of a user message or a tool result, other than tool_result itself. Fault: path within
/// the block.
Result<void> put_block(MessagesTranslation& t, JsonView block, BlockSink& sink);

/// Fault for block types that no chat upstream can do without, nothing for those that may go.
Result<void> drop_block(MessagesTranslation& t, JsonView block);

/// The id of a call in the upstream's spelling, as a JSON string.
std::string call_id(JsonView id);

/// System prompt and conversation.
Result<void> translate_system(MessagesTranslation& t);
Result<void> translate_history(MessagesTranslation& t);

/// tools, tool_choice.
Result<void> translate_tools(MessagesTranslation& t);

/// The texts of a string or of text blocks, escaped.
std::string joined_texts(MessagesTranslation& t, JsonView content, std::string_view between);

}  // namespace glmgate::protocol
