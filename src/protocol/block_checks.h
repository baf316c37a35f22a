// What must be right in Anthropic's messages, content blocks and tools before an upstream is
// called. Private to this room, used by messages_facts.cpp.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "protocol/json_scan.h"
#include "protocol/token_estimate.h"

namespace glmgate::protocol {

/// Whether calls and results must meet in the messages at hand.
enum class Pairing : std::uint8_t { checked, elsewhere };

/// Fault{bad_value|missing_field} names the path, "messages[2].content[0].type". Blocks of unknown
/// types pass.
Result<void> check_turns(JsonView messages, Pairing pairing, Sums& sums);
Result<void> check_system(JsonView system, Sums& sums);
Result<void> check_anthropic_tools(JsonView tools, Sums& sums);

}  // namespace glmgate::protocol
