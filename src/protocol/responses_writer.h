// An answer in the words of /v1/responses, streamed or whole (wire-protocols 2.6, 2.7, 2.9, 3.13).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "protocol/delta.h"
#include "protocol/responses_object.h"
#include "protocol/thinking_seal.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {

struct ResponsesWriterOptions {
  ResponseHead head;
  ToolNames names;                     ///< of the ChatDraft
  const ThinkingSeal* seal = nullptr;  ///< makes encrypted_content, none without; must outlive the
                                       ///< writer
  std::int64_t input_estimate = 0;     ///< when the upstream reports no usage
  bool hides_thinking = false;         ///< reasoning items without text
  bool raw_thinking = false;  ///< thinking as content (reasoning_text) instead of as a summary
};

/// The streamed form. Items never overlap: of calls whose arguments come interleaved, the later
/// ones wait. Its ping is a response.in_progress event: Codex counts events only.
std::unique_ptr<AnswerWriter> make_responses_writer(ResponsesWriterOptions options);

/// The whole form.
/// @param play  hands all Deltas of the answer over, `stop` among them; its Fault is returned.
Result<std::string> write_responses_answer(ResponsesWriterOptions options,
                                           const std::function<Result<void>(const OnDelta&)>& play);

}  // namespace glmgate::protocol
