// Requests to /v1/responses: what the gateway must know of them, and what is refused by name
// (wire-protocols 2.5, 2.8, 3.13, 3.14).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/body.h"
#include "protocol/facts.h"
#include "protocol/media.h"

namespace glmgate::protocol {

/// Reads the facts in one scan, and checks what must be right before an upstream is called.
/// Fault{bad_value|missing_field|unsupported_field} names the path ("input[3].call_id"). Unknown
/// fields and unknown kinds of items are fine, explicit nulls count as absent. References to what
/// was stored are not looked at: see refuse_references().
Result<Facts> read_responses_facts(const Body& body, const Vocabulary* vocabulary = nullptr);

struct ResponsesTarget {
  std::string model;  ///< the upstream's name for the model
  bool takes_images = true;
  MediaPolicy images = MediaPolicy::placeholder;  ///< if it takes none
};

/// Splices `body` for an upstream that speaks Responses itself, forgetting earlier splices: the
/// model's name; what it cannot read; reasoning that we sealed goes, since nobody else can read it.
/// @return warnings, as fit_chat_request(). Fault{unsupported_field} for what it must refuse.
Result<std::vector<std::string>> fit_responses_request(Body& body, const ResponsesTarget& target);

/// True for a Responses request on chat's path, as Cursor sends it: it has `input` and no
/// `messages` (wire-protocols 5.3).
bool is_responses_body(const Body& body);

/// The response the client goes on from; empty if none.
std::string previous_response_id(const Body& body);

/// `store`, which OpenAI takes as true when it is absent.
bool wants_store(const Body& body);

/// A reference to reasoning of ours. Where nothing is stored the model goes on without that
/// thinking: clients refer to it by themselves, and would be stuck at their second step.
inline bool is_forgotten_reasoning(std::string_view id) { return id.starts_with("rs_"); }

/// For upstreams that have nothing stored. Fault{previous_response_not_found|not_stored} with
/// OpenAI's words if the request refers to a stored response or item, Fault{unsupported_field} for
/// a stored conversation or prompt: passed over, the model would lose the conversation.
Result<void> refuse_references(const Body& body);

/// OpenAI's words for what is not stored (wire-protocols 2.8).
Fault previous_response_not_found(std::string_view id);
Fault item_not_found(std::string_view id);
Fault response_not_found(std::string_view id);

}  // namespace glmgate::protocol
