// A Responses request as a chat request (wire-protocols 3.13). Also for the Responses-shaped bodies
// that Cursor posts to /chat/completions: the request is the same, only the answer is chat.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/body.h"
#include "protocol/chat_draft.h"
#include "protocol/media.h"
#include "protocol/thinking_seal.h"

namespace glmgate::protocol {

struct ResponsesRules {
  const ThinkingSeal* seal = nullptr;  ///< opens encrypted_content; none: reasoning is dropped
  bool takes_pdf = false;              ///< the upstream reads PDF files; else they are refused
  bool to_messages = false;            ///< the draft goes on to an upstream that signs thinking
  /// Thinking blocks, comma between them, that were before the call with this id; none: not known.
  std::function<std::optional<std::string>(std::string_view call)> recall = {};
  bool takes_images = true;
  MediaPolicy images = MediaPolicy::placeholder;  ///< for what it does not take
  std::string model;                              ///< as the words for what is omitted name it
};

/// Translates what read_responses_facts() has accepted. Fault{bad_value|missing_field|
/// unsupported_field} names the path of what cannot be carried; Fault{previous_response_not_found|
/// not_stored} if the request refers to something stored (put it in first: responses_store.h).
/// Nested schemas come to stand at most two levels deeper than in `body`.
Result<ChatDraft> responses_to_chat(const Body& body, const ResponsesRules& rules);

}  // namespace glmgate::protocol
