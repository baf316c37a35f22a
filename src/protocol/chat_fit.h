// The steps of fit_chat_request(), each with its own file. Private to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/chat_request.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {

/// One request being fitted to one upstream.
struct ChatFit {
  Body& body;
  const Facts& facts;
  const ChatTarget& target;
  JsonView root;
  Warnings warnings;
  ToolNames names;            ///< of tools that go by another name upstream
  bool offers_tools = false;  ///< after fit_tools()

  bool to_glm() const { return target.speaks == Protocol::glm; }
  void warn(std::string_view what, std::string_view field) { warnings.add(what, field); }
  /// A tool's name as a JSON string. GLM takes [a-zA-Z0-9_-]{1,64}; others are fitted, and the
  /// answer maps them back.
  std::string tool_name(JsonView name);
};

/// Tools, functions, tool_choice and function_call; what must be said in words to a model that
/// knows no such choice, else nothing. Fault{bad_value} if a tool is chosen that is not there,
/// Fault{unsupported_field} for tools that cannot be carried.
Result<std::string_view> fit_tools(ChatFit& fit);

/// What the model cannot read. Fault{unsupported_field} if it is refused.
Result<void> fit_media(ChatFit& fit);

/// Roles that the upstream does not know, and nothing else.
void fit_roles(ChatFit& fit);

/// Roles, contents and calls in the history; and, if it is not empty, `hint` at the end of the
/// system message.
void fit_messages(ChatFit& fit, std::string_view hint);

}  // namespace glmgate::protocol
