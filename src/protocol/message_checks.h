// What must be right in messages and tools before an upstream is called. Private to this room, used
// by facts.cpp.
#pragma once

#include <cstddef>

#include "base/result.h"
#include "protocol/json_scan.h"
#include "protocol/token_estimate.h"

namespace glmgate::protocol {

constexpr std::size_t kMostMessages = 10'000;  // promises, section 3
constexpr std::size_t kMostCalls = 10'000;     // of tools, in a history
constexpr std::size_t kMostTools = 1'024;      // of any request
constexpr std::size_t kMostGlmTools = 128;     // glm-api 3.1

constexpr std::size_t kLongestToolName = 256;  // what is longer no upstream takes

/// Fault{bad_value|missing_field} unless `name` can be the name of a tool that is offered.
Result<void> check_tool_name(JsonView name);

/// Fault{bad_value|missing_field} names the path, "messages[3].content[0].type".
Result<void> check_messages(JsonView messages, Sums& sums);
Result<void> check_tools(JsonView tools, Sums& sums);
Result<void> check_functions(JsonView functions, Sums& sums);

}  // namespace glmgate::protocol
