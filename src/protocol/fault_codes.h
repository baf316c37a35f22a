// The two tables behind errors on the wire: what a GLM business code means, and how each of our
// faults looks in each dialect. Private to this room. Sources: glm-api 8.1-8.4,
// wire-protocols 1.7, 2.4, 3.12.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fault.h"

namespace glmgate::protocol {

/// Whether the client that got the error may send the same request again.
enum class Retry : std::uint8_t {
  soon,   ///< after a few seconds
  reset,  ///< only after the stated time
  no
};

/// Its statuses are its fault's: none is a 401 or 403, since the client's key is not what they tell
/// of.
struct BusinessCode {
  int code;
  FaultCode fault;
  Again again;  ///< what the gateway may do
  Retry retry;  ///< what the client may do
  std::string_view words;
};

std::span<const BusinessCode> business_codes();
const BusinessCode* find_business_code(std::string_view digits);

/// One FaultCode in the words of each dialect.
struct FaultFace {
  FaultCode code;
  std::string_view openai_type;
  std::string_view openai_code;
  std::string_view anthropic_type;
  int anthropic_status;  ///< 0: as everywhere
  std::string_view native_code;
  int native_status;       ///< 0: as everywhere
  Retry retry;             ///< what the client may do, if no business code says otherwise
  std::string_view about;  ///< what happened, as in docs/errors.md
};

const FaultFace& face(FaultCode code);

}  // namespace glmgate::protocol
