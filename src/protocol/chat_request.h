// Fits a chat request to the upstream that will get it: only splices, and only what the upstream
// would refuse or misread (wire-protocols 2.1 and 3.0, glm-api 3.1, clients.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/body.h"
#include "protocol/dialect.h"
#include "protocol/facts.h"
#include "protocol/media.h"
#include "protocol/tool_names.h"

namespace glmgate::protocol {

/// What is known of the client, the model and the endpoint a request goes to.
struct ChatTarget {
  Protocol client = Protocol::openai_chat;  ///< glm: to a GLM upstream only the model and unknown
                                            ///< roles are touched
  Protocol speaks = Protocol::glm;          ///< glm: Z.AI and Zhipu; openai_chat: an engine
  std::string model;                        ///< the upstream's name for the model
  bool coding_endpoint = false;  ///< Coding Plan address: thinking rules differ (glm-api 1.3)
  std::int64_t max_output = 0;   ///< the model's cap; 0 if unknown
  bool thinking_cannot_be_off = false;  ///< GLM-5.3 family (glm-api 3.4)
  bool knows_reasoning_effort = false;  ///< GLM-5.2 and later
  bool has_thinking_switch = true;      ///< engines: chat_template_kwargs.enable_thinking
  bool streams_arguments = true;        ///< knows tool_stream (glm-api 3.1)
  bool takes_images = true;
  MediaPolicy images = MediaPolicy::placeholder;  ///< if it takes none
};

/// Splices `body` for `target`, forgetting earlier splices: a failover fits the same body anew.
/// Every field is kept, mapped, or dropped with a warning in the result; what cannot be carried is
/// Fault{unsupported_field} by name.
/// @return warnings for the `glmgate-warning` header, each once: "<what>; field=<path>", where
/// <what> is `dropped`
///         (the field is gone), `ignored` (it passes, but GLM does not heed it), `clamped`,
///         `changed` (to the nearest thing the upstream can do) or `not_enforced`.
/// @param names  gets the tools that go by another name upstream
Result<std::vector<std::string>> fit_chat_request(Body& body, const Facts& facts,
                                                  const ChatTarget& target,
                                                  ToolNames* names = nullptr);

}  // namespace glmgate::protocol
