// Fields by which a request goes on from turns that an upstream keeps. Passed over, the model would
// answer without them: where nobody keeps any they are refused. Private to this room.
#pragma once

#include "base/result.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

/// Fault{unsupported_field} names the first such field of `root`; Fault{unsupported_thread} for
/// Anthropic's `thread`, which another upstream may know.
Result<void> refuse_stored_history(JsonView root);

}  // namespace glmgate::protocol
