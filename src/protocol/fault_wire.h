// Errors on the wire: one reader per upstream dialect, one writer per client dialect. Decided by
// business code, not by HTTP status (wire-protocols 3.12, glm-api 8).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fault.h"
#include "protocol/dialect.h"

namespace glmgate::protocol {

/// Where an error came from, as far as the hints need it.
struct UpstreamPlace {
  std::string provider;  ///< "zai", "zai-coding", "zhipu", "zhipu-coding", "engine", "sandbox"
};

/// Reads an upstream's error answer (nested, flat, OpenAI, Anthropic, HTML or empty body). Never
/// fails: what cannot be read becomes upstream_error or upstream_broken. `retry_after` is the
/// header's value or empty. `now` turns the reset time of 1308/1310 (UTC+8, no zone) into `wait`
/// and into words.
/// for_client carries our own words plus the upstream's message for 400-class faults only, cleaned
/// of control bytes and bounded; hints name the endpoint to use (1113 on a general endpoint;
/// 1000-1004 with a key of the other region).
Fault read_upstream_fault(int status, std::string_view retry_after, std::string_view body,
                          const UpstreamPlace& place, UtcMillis now);

/// Whether a client that speaks as the upstream does gets the error as it came: clients act on its
/// wording. Only a 400 or 422 of what a client can change its request by, in the client's own
/// envelope; what tells of our account does not pass, nor what agents would not know for a full
/// context.
bool passes_as_said(Protocol client, const Fault& fault, int status, std::string_view body);

/// What a client sees.
struct WireFault {
  int status = 500;
  std::string body;
  std::vector<std::pair<std::string, std::string>>
      headers;  ///< retry-after, x-should-retry, ...; not request ids
};

struct FaultStyle {
  Protocol client = Protocol::openai_chat;
  bool strict_java = false;  ///< native paths: exactly {"error":{"code","message"}} (glm-api 8.1)
};

WireFault write_fault(const FaultStyle& style, const Fault& fault, std::string_view request_id);

}  // namespace glmgate::protocol
