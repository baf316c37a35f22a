// A request of another dialect as a chat request: the hub through which every translated request
// goes (design, section 5). It is OpenAI's chat with GLM's own words (`thinking`,
// `reasoning_content`); fit_chat_request() then fits it to the upstream, or chat_to_messages()
// translates it on.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "protocol/json_scan.h"
#include "protocol/responses_object.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {

/// A draft nests some levels deeper than what it was made of.
inline constexpr JsonLimits kDraftLimits{.depth = 80};

struct ChatDraft {
  std::string body;  ///< JSON, as if a chat client had sent it; `model` as written. To be read with
                     ///< kDraftLimits
  std::vector<std::string> warnings;  ///< "<what>; field=<path>", paths of the client's own body

  // What the answer's writer must know.
  ToolNames names;                ///< tools that go by another name upstream
  std::vector<std::string> stop;  ///< stop sequences that the gateway itself looks for, exactly;
                                  ///< not in `body`
  bool streams_upstream = false;  ///< the upstream is asked for a stream, whatever the client wants
  bool hides_thinking = false;    ///< Anthropic's thinking.display "omitted"
  /// Responses: what the response repeats of its request; shared with its writer.
  std::shared_ptr<const ResponsesEcho> echo;

  /// About how much memory what the answer's writer needs takes while the answer lasts.
  std::size_t kept_bytes() const;
  /// Lets go of what the writer has taken for itself; `names` stay where they are.
  void forget_what_was_taken();
};

}  // namespace glmgate::protocol
