// Requests to an Anthropic-format upstream: Z.AI's /api/anthropic, or one that checks as Anthropic
// does. A client of the same protocol passes with splices only (wire-protocols 3.8, V6).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/body.h"
#include "protocol/facts.h"
#include "protocol/media.h"
#include "protocol/thinking_seal.h"

namespace glmgate::protocol {

/// What is known of the model and the endpoint. fit_messages_request() looks at `model` and
/// `verifies_thinking`, chat_to_messages() at all of it.
struct MessagesTarget {
  std::string model;               ///< the upstream's name for the model
  std::int64_t max_output = 0;     ///< the model's cap; 0 if unknown
  bool verifies_thinking = false;  ///< refuses thinking that it did not sign; Z.AI takes all
  bool takes_images = true;
  MediaPolicy images = MediaPolicy::placeholder;  ///< for what it does not take
  bool streams = false;                           ///< the answer is to be streamed
  bool takes_sampling = true;          ///< false: version 2026-10-21, no temperature, top_p, top_k
  bool takes_system_messages = false;  ///< role system within `messages`
  bool takes_output_format = false;    ///< output_config.format
  bool takes_effort = false;           ///< output_config.effort
  bool takes_threads = false;          ///< `thread`: it keeps the messages before these
  /// Thinking blocks, comma between them, that were before the call with this id; none: not known.
  std::function<std::optional<std::string>(std::string_view call)> recall = {};
  const ThinkingSeal* seal = nullptr;  ///< signs thinking for an upstream that does not verify
};

/// Fault{unsupported_thread|unsupported_field} if the request goes on from messages that are not
/// in it.
Result<void> check_whole_history(const Body& body);

/// Splices `body` for `target`, forgetting earlier splices: the model's name, and toward an
/// upstream that verifies, thinking of our own seal goes; if it then asks for thinking that is not
/// there, thinking is disabled for this request.
/// @param body  one that read_messages_facts() or read_count_tokens_facts() accepts.
/// @return warnings, as fit_chat_request().
Result<std::vector<std::string>> fit_messages_request(Body& body, const Facts& facts,
                                                      const MessagesTarget& target);

}  // namespace glmgate::protocol
