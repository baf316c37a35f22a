#include "protocol/stored_history.h"

#include "protocol/complaint.h"

namespace glmgate::protocol {

Result<void> refuse_stored_history(JsonView root) {
  if (root.find("thread").given())
    return fail(FaultCode::unsupported_thread,
                "thread is not supported by this model's upstream, which keeps no messages: send "
                "the whole conversation in messages",
                "thread");
  for (const std::string_view key : {"previous_message_id", "previous_response_id", "conversation"})
    if (root.find(key).given())
      return unsupported(std::string(key),
                         "is not supported: nothing is stored under it; send the whole "
                         "conversation");
  return {};
}

}  // namespace glmgate::protocol
