// A Fault says what went wrong, whose fault it is, and whether and where the same request may be
// tried again. It is classified once, at the border where it is first seen; everyone above switches
// on `blame` and `again`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace glmgate {

enum class Blame : std::uint8_t { client, upstream, us };
enum class Again : std::uint8_t {
  never,      ///< the same request fails the same way everywhere
  elsewhere,  ///< not here, but another upstream or credential may serve it
  after_wait  ///< here or elsewhere, once `wait` has passed
};

/// Stable and documented (docs/errors.md). Each has one row in fault.cpp: its HTTP status and its
/// words.
enum class FaultCode : std::uint8_t {
  // What a client sent.
  bad_http,              ///< framing or header block that HTTP/1.1 forbids
  head_too_large,        ///< request line or header fields over the limit
  body_too_large,        ///< body over the limit, before or after decoding
  body_timeout,          ///< the body came too slowly
  bad_encoding,          ///< content-encoding that does not decode
  unsupported_encoding,  ///< content-encoding we do not know
  unsupported_media,     ///< content-type that is not JSON
  bad_json,              ///< body is not strict JSON, or a key stands twice
  bad_value,             ///< a field has the wrong type or an impossible value; `param` names it
  missing_field,         ///< a required field is absent; `param` names it
  unsupported_field,     ///< a field we must refuse by name; `param` names it
  unsupported_thread,    ///< Anthropic's message threads: the upstream has no history to go on with
  unknown_path,          ///< no such path
  wrong_method,          ///< path exists, method does not
  model_not_found,       ///< no upstream serves this model
  context_too_long,      ///< prompt does not fit the model's window
  content_blocked,       ///< refused by the provider's content policy
  duplicate_request,     ///< this request_id is or was running
  previous_response_not_found,  ///< Responses: the conversation to go on with is not stored here
  not_stored,                   ///< Responses: no such response or item is stored here
  // Who the client is.
  no_key,         ///< no credential presented
  wrong_key,      ///< unknown, malformed or wrongly signed credential
  expired_token,  ///< a JWT past its time
  disabled_key,   ///< key revoked, or its user disabled
  expired_key,    ///< key past its lifetime
  not_allowed,    ///< the key may not do this
  // What the client, or the account behind us, has left.
  rate_limited,          ///< too fast; `wait` is true
  quota_exhausted,       ///< a plan window or daily limit is used up; `wait` is the reset, if known
  insufficient_balance,  ///< account has no money (GLM 1113)
  plan_expired,          ///< Coding Plan is over
  // The upstream.
  upstream_refused_key,  ///< it does not accept our credential: never the client's 401
  upstream_account,      ///< its account is locked or restricted
  upstream_unreachable,  ///< no connection; nothing was sent
  upstream_reset,        ///< connection died before any byte of the answer
  upstream_timeout,      ///< no first byte, or silence, within the limit
  upstream_broken,       ///< an answer that is not what its protocol says
  upstream_error,        ///< it said 5xx, or a code that means so
  upstream_overloaded,   ///< it said it is overloaded
  // Ourselves.
  client_gone,        ///< nobody is left to answer
  shutting_down,      ///< draining
  overloaded,         ///< our own memory or connection limit
  store_unavailable,  ///< the ledger cannot be written: nothing was sent upstream
  internal,           ///< a bug; the request id is in the log
};

struct Fault {
  FaultCode code = FaultCode::internal;
  Blame blame = Blame::us;
  Again again = Again::never;
  std::string for_client;        ///< our own words: no upstream host, path, SQL or key
  std::string for_us;            ///< for the log, already redacted
  std::string param;             ///< JSON path of the field, e.g. "messages[1].role"; empty if none
  std::string glm_code;          ///< upstream business code ("1302"); empty if none was given
  std::chrono::seconds wait{0};  ///< what Retry-After says; 0 if unknown
};

/// "model_not_found" and so on: the name used in logs, metrics and docs.
std::string_view name(FaultCode code);

/// HTTP status shown on `/v1` paths. Native paths may differ: see protocol/fault_wire.h.
int http_status(FaultCode code);

/// Makes a Fault whose `blame` and `again` are the code's usual ones.
Fault make_fault(FaultCode code, std::string for_client, std::string param = {});

}  // namespace glmgate
