#include "base/fault.h"

#include <array>
#include <cassert>

namespace glmgate {
namespace {

struct Row {
  FaultCode code;
  std::string_view name;
  int status;
  Blame blame;
  Again again;
};

constexpr Row kRows[] = {
    {FaultCode::bad_http, "bad_http", 400, Blame::client, Again::never},
    {FaultCode::head_too_large, "head_too_large", 431, Blame::client, Again::never},
    {FaultCode::body_too_large, "body_too_large", 413, Blame::client, Again::never},
    {FaultCode::body_timeout, "body_timeout", 408, Blame::client, Again::never},
    {FaultCode::bad_encoding, "bad_encoding", 400, Blame::client, Again::never},
    {FaultCode::unsupported_encoding, "unsupported_encoding", 400, Blame::client, Again::never},
    {FaultCode::unsupported_media, "unsupported_media", 415, Blame::client, Again::never},
    {FaultCode::bad_json, "bad_json", 400, Blame::client, Again::never},
    {FaultCode::bad_value, "bad_value", 400, Blame::client, Again::never},
    {FaultCode::missing_field, "missing_field", 400, Blame::client, Again::never},
    {FaultCode::unsupported_field, "unsupported_field", 400, Blame::client, Again::never},
    {FaultCode::unknown_path, "unknown_path", 404, Blame::client, Again::never},
    {FaultCode::wrong_method, "wrong_method", 405, Blame::client, Again::never},
    {FaultCode::model_not_found, "model_not_found", 404, Blame::client, Again::elsewhere},
    {FaultCode::context_too_long, "context_too_long", 400, Blame::client, Again::never},
    {FaultCode::content_blocked, "content_blocked", 400, Blame::client, Again::never},
    {FaultCode::duplicate_request, "duplicate_request", 409, Blame::client, Again::never},
    {FaultCode::previous_response_not_found, "previous_response_not_found", 400, Blame::client,
     Again::never},
    {FaultCode::not_stored, "not_stored", 404, Blame::client, Again::never},
    {FaultCode::no_key, "no_key", 401, Blame::client, Again::never},
    {FaultCode::wrong_key, "wrong_key", 401, Blame::client, Again::never},
    {FaultCode::expired_token, "expired_token", 401, Blame::client, Again::never},
    {FaultCode::disabled_key, "disabled_key", 403, Blame::client, Again::never},
    {FaultCode::expired_key, "expired_key", 403, Blame::client, Again::never},
    {FaultCode::not_allowed, "not_allowed", 403, Blame::client, Again::never},
    {FaultCode::rate_limited, "rate_limited", 429, Blame::client, Again::after_wait},
    {FaultCode::quota_exhausted, "quota_exhausted", 429, Blame::upstream, Again::elsewhere},
    {FaultCode::insufficient_balance, "insufficient_balance", 429, Blame::upstream,
     Again::elsewhere},
    {FaultCode::plan_expired, "plan_expired", 402, Blame::upstream, Again::elsewhere},
    {FaultCode::upstream_refused_key, "upstream_refused_key", 502, Blame::upstream,
     Again::elsewhere},
    {FaultCode::upstream_account, "upstream_account", 502, Blame::upstream, Again::elsewhere},
    {FaultCode::upstream_unreachable, "upstream_unreachable", 502, Blame::upstream,
     Again::after_wait},
    {FaultCode::upstream_reset, "upstream_reset", 502, Blame::upstream, Again::after_wait},
    {FaultCode::upstream_timeout, "upstream_timeout", 504, Blame::upstream, Again::never},
    {FaultCode::upstream_broken, "upstream_broken", 502, Blame::upstream, Again::never},
    {FaultCode::upstream_error, "upstream_error", 502, Blame::upstream, Again::after_wait},
    {FaultCode::upstream_overloaded, "upstream_overloaded", 503, Blame::upstream,
     Again::after_wait},
    {FaultCode::client_gone, "client_gone", 499, Blame::client, Again::never},
    {FaultCode::shutting_down, "shutting_down", 503, Blame::us, Again::after_wait},
    {FaultCode::overloaded, "overloaded", 503, Blame::us, Again::after_wait},
    {FaultCode::store_unavailable, "store_unavailable", 503, Blame::us, Again::after_wait},
    {FaultCode::internal, "internal", 500, Blame::us, Again::never},
};

static_assert(std::size(kRows) == static_cast<std::size_t>(FaultCode::internal) + 1);

const Row& row(FaultCode code) {
  const Row& found = kRows[static_cast<std::size_t>(code)];
  assert(found.code == code && "kRows is in the order of FaultCode");
  return found;
}

}  // namespace

std::string_view name(FaultCode code) { return row(code).name; }

int http_status(FaultCode code) { return row(code).status; }

Fault make_fault(FaultCode code, std::string for_client, std::string param) {
  const Row& r = row(code);
  return Fault{.code = code,
               .blame = r.blame,
               .again = r.again,
               .for_client = std::move(for_client),
               .for_us = {},
               .param = std::move(param),
               .glm_code = {},
               .wait = {}};
}

}  // namespace glmgate
