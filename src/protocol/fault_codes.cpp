#include "protocol/fault_codes.h"

#include <cassert>
#include <charconv>
#include <iterator>

namespace glmgate::protocol {
namespace {

constexpr std::string_view kRefused = "the model service did not accept this gateway's key";
constexpr std::string_view kLocked = "the account behind this gateway is locked or inactive";
constexpr std::string_view kFailed = "the model service reported an internal error";
constexpr std::string_view kBusy =
    "the model service has too much traffic; try again in a few seconds";
constexpr std::string_view kTooFast =
    "the model service is limiting requests; try again in a few seconds";
constexpr std::string_view kWindow = "a usage window of the plan behind this gateway is used up";

// clang-format off
constexpr BusinessCode kBusinessCodes[] = {
    {500,  FaultCode::upstream_error,       Again::after_wait, Retry::soon,  kFailed},
    {1000, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    kRefused},
    {1001, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    "the model service received no key from this gateway"},
    {1002, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    kRefused},
    {1003, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    "this gateway's token for the model service is out of date"},
    {1004, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    kRefused},
    {1005, FaultCode::upstream_refused_key, Again::elsewhere,  Retry::no,    "the account behind this gateway must pass a two-factor check"},
    {1100, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    "the account behind this gateway cannot be read"},
    {1110, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    kLocked},
    {1111, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    "the account behind this gateway does not exist"},
    {1112, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    kLocked},
    {1113, FaultCode::insufficient_balance, Again::elsewhere,  Retry::no,    "the account behind this gateway has no balance left"},
    {1120, FaultCode::upstream_account,     Again::after_wait, Retry::soon,  "the account behind this gateway cannot be reached just now"},
    {1121, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    kLocked},
    {1200, FaultCode::upstream_error,       Again::after_wait, Retry::soon,  kFailed},
    {1210, FaultCode::bad_value,            Again::never,      Retry::no,    "the model service refused a parameter"},
    {1211, FaultCode::model_not_found,      Again::elsewhere,  Retry::no,    "the model service does not know this model"},
    {1212, FaultCode::unsupported_field,    Again::never,      Retry::no,    "the model cannot be called in this way"},
    {1213, FaultCode::missing_field,        Again::never,      Retry::no,    "the model service misses a parameter"},
    {1214, FaultCode::bad_value,            Again::never,      Retry::no,    "the model service refused a parameter"},
    {1215, FaultCode::bad_value,            Again::never,      Retry::no,    "two parameters exclude each other"},
    {1220, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    "the account behind this gateway may not use this API"},
    {1221, FaultCode::model_not_found,      Again::elsewhere,  Retry::no,    "the model service has taken this API offline"},
    {1222, FaultCode::model_not_found,      Again::elsewhere,  Retry::no,    "the model service does not have this API"},
    {1230, FaultCode::upstream_error,       Again::after_wait, Retry::soon,  kFailed},
    {1231, FaultCode::duplicate_request,    Again::never,      Retry::no,    "a request with this request_id exists already; send a new one"},
    {1234, FaultCode::upstream_error,       Again::after_wait, Retry::soon,  "the model service reported a network error"},
    {1261, FaultCode::context_too_long,     Again::never,      Retry::no,    "the prompt does not fit the model's context"},
    {1300, FaultCode::content_blocked,      Again::never,      Retry::no,    "the content was blocked by the provider's policy"},
    {1301, FaultCode::content_blocked,      Again::never,      Retry::no,    "the provider holds input or output to be unsafe or sensitive"},
    {1302, FaultCode::rate_limited,         Again::after_wait, Retry::soon,  kTooFast},
    {1303, FaultCode::rate_limited,         Again::after_wait, Retry::soon,  kTooFast},
    {1304, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, "the daily call limit of the account behind this gateway is reached"},
    {1305, FaultCode::rate_limited,         Again::after_wait, Retry::soon,  kBusy},
    {1308, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, "the 5-hour window of the plan behind this gateway is used up"},
    {1309, FaultCode::plan_expired,         Again::elsewhere,  Retry::no,    "the Coding Plan behind this gateway has expired"},
    {1310, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, "the weekly or monthly window of the plan behind this gateway is used up"},
    {1311, FaultCode::model_not_found,      Again::elsewhere,  Retry::no,    "the Coding Plan behind this gateway does not include this model"},
    {1312, FaultCode::upstream_overloaded,  Again::after_wait, Retry::soon,  "this model has very high traffic; try again, or use another model"},
    {1313, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    "the account behind this gateway is restricted by the fair-use policy"},
    {1314, FaultCode::plan_expired,         Again::elsewhere,  Retry::no,    "the enterprise plan behind this gateway has expired"},
    {1315, FaultCode::upstream_account,     Again::elsewhere,  Retry::no,    "the key behind this gateway is only for the enterprise Coding Plan"},
    {1316, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1317, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1318, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1319, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1320, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1321, FaultCode::quota_exhausted,      Again::elsewhere,  Retry::reset, kWindow},
    {1701, FaultCode::rate_limited,         Again::after_wait, Retry::soon,  "too many web searches at once; try again in a few seconds"},
    {1702, FaultCode::upstream_error,       Again::never,      Retry::no,    "no search engine is available"},
    {1703, FaultCode::upstream_error,       Again::never,      Retry::no,    "the web search found nothing that can be used"},
};

constexpr std::string_view kInvalid = "invalid_request_error";

constexpr FaultFace kFaces[] = {
    {FaultCode::bad_http,                    kInvalid,             "bad_request",                 kInvalid,               0,   "1210", 0,   Retry::no, "the request is not HTTP/1.1 as we accept it"},
    {FaultCode::head_too_large,              kInvalid,             "head_too_large",              kInvalid,               0,   "1210", 0,   Retry::no, "its head is too long, or has too many fields"},
    {FaultCode::body_too_large,              kInvalid,             "request_too_large",           "request_too_large",    0,   "1210", 0,   Retry::no, "over `max_body`, or over what the provider takes"},
    {FaultCode::body_timeout,                kInvalid,             "request_timeout",             kInvalid,               0,   "1210", 0,   Retry::soon, "the body came more slowly than `body_floor`"},
    {FaultCode::bad_encoding,                kInvalid,             "invalid_encoding",            kInvalid,               0,   "1210", 0,   Retry::no, "`content-encoding` does not decode"},
    {FaultCode::unsupported_encoding,        kInvalid,             "unsupported_encoding",        kInvalid,               0,   "1210", 0,   Retry::no, "`content-encoding` other than gzip, deflate, zstd"},
    {FaultCode::unsupported_media,           kInvalid,             "unsupported_media_type",      kInvalid,               0,   "1210", 0,   Retry::no, "a form where JSON is needed"},
    {FaultCode::bad_json,                    kInvalid,             "invalid_json",                kInvalid,               0,   "1210", 0,   Retry::no, "not strict JSON, or a key stands twice in one object"},
    {FaultCode::bad_value,                   kInvalid,             "invalid_value",               kInvalid,               0,   "1214", 0,   Retry::no, "a wrong type or an impossible value; `param` names the field"},
    {FaultCode::missing_field,               kInvalid,             "missing_required_parameter",  kInvalid,               0,   "1213", 0,   Retry::no, "a required field is not there; `param` names it"},
    {FaultCode::unsupported_field,           kInvalid,             "unsupported_parameter",       kInvalid,               0,   "1210", 0,   Retry::no, "a field that cannot be served; `param` names it"},
    {FaultCode::unknown_path,                kInvalid,             "unknown_url",                 "not_found_error",      0,   "1222", 0,   Retry::no, "nothing at this path, or not in this version"},
    {FaultCode::wrong_method,                kInvalid,             "method_not_allowed",          kInvalid,               0,   "1222", 0,   Retry::no, "`allow` has the right ones"},
    {FaultCode::model_not_found,             kInvalid,             "model_not_found",             "not_found_error",      0,   "1211", 400, Retry::no, "no upstream serves the model"},
    {FaultCode::context_too_long,            kInvalid,             "context_length_exceeded",     kInvalid,               0,   "1261", 0,   Retry::no, "the prompt does not fit the model"},
    {FaultCode::content_blocked,             kInvalid,             "content_filter",              kInvalid,               0,   "1301", 0,   Retry::no, "the provider's content policy"},
    {FaultCode::duplicate_request,           kInvalid,             "duplicate_request",           kInvalid,               0,   "1231", 400, Retry::no, "a request with this `request_id` exists"},
    {FaultCode::previous_response_not_found, kInvalid,             "previous_response_not_found", kInvalid,               0,   "1214", 0,   Retry::no, "`/v1/responses`: the response named by `previous_response_id` is not stored here"},
    {FaultCode::not_stored,                  kInvalid,             "not_found",                   "not_found_error",      0,   "1222", 0,   Retry::no, "`/v1/responses`: the response, or the item of an `item_reference`, is not stored here"},
    {FaultCode::no_key,                      kInvalid,             "invalid_api_key",             "authentication_error", 0,   "1001", 0,   Retry::no, "no key was sent"},
    {FaultCode::wrong_key,                   kInvalid,             "invalid_api_key",             "authentication_error", 0,   "1002", 0,   Retry::no, "an unknown or mistyped key"},
    {FaultCode::expired_token,               kInvalid,             "invalid_api_key",             "authentication_error", 0,   "1003", 0,   Retry::no, "a JWT past its time"},
    {FaultCode::disabled_key,                "permission_error",   "key_disabled",                "permission_error",     0,   "1220", 0,   Retry::no, "the key was revoked"},
    {FaultCode::expired_key,                 "permission_error",   "key_expired",                 "permission_error",     0,   "1220", 0,   Retry::no, "the key is past its lifetime"},
    {FaultCode::not_allowed,                 "permission_error",   "not_allowed",                 "permission_error",     0,   "1220", 0,   Retry::no, "the key may not do this"},
    {FaultCode::rate_limited,                "rate_limit_error",   "rate_limit_exceeded",         "rate_limit_error",     0,   "1302", 0,   Retry::soon, "too fast, or every place at the upstream is taken"},
    {FaultCode::quota_exhausted,             "insufficient_quota", "insufficient_quota",          "rate_limit_error",     0,   "1304", 0,   Retry::reset, "a plan's window or a daily limit is used up; the message says until when"},
    {FaultCode::insufficient_balance,        "insufficient_quota", "insufficient_quota",          "billing_error",        402, "1113", 429, Retry::no, "the upstream account has no money; with a Coding Plan's key, use its own address"},
    {FaultCode::plan_expired,                "insufficient_quota", "insufficient_quota",          "billing_error",        0,   "1309", 429, Retry::no, "the Coding Plan is over"},
    {FaultCode::upstream_refused_key,        "server_error",       "upstream_refused_key",        "api_error",            0,   "1200", 0,   Retry::no, "the upstream does not accept *our* credential"},
    {FaultCode::upstream_account,            "server_error",       "upstream_account",            "api_error",            0,   "1200", 0,   Retry::no, "the upstream account is locked, restricted or may not do this"},
    {FaultCode::upstream_unreachable,        "server_error",       "upstream_unreachable",        "api_error",            0,   "1234", 0,   Retry::soon, "no connection; the message names the upstream and why"},
    {FaultCode::upstream_reset,              "server_error",       "upstream_reset",              "api_error",            0,   "1234", 0,   Retry::soon, "the connection died before any byte of the answer"},
    {FaultCode::upstream_timeout,            "server_error",       "upstream_timeout",            "timeout_error",        0,   "1234", 0,   Retry::soon, "no first byte, or silence"},
    {FaultCode::upstream_broken,             "server_error",       "upstream_broken",             "api_error",            0,   "1230", 0,   Retry::soon, "an answer that is not what its protocol says"},
    {FaultCode::upstream_error,              "server_error",       "upstream_error",              "api_error",            500, "1200", 500, Retry::soon, "it said 5xx, or refused in a way that is not about the request"},
    {FaultCode::upstream_overloaded,         "server_error",       "server_overloaded",           "overloaded_error",     529, "1305", 0,   Retry::soon, "it said so"},
    {FaultCode::client_gone,                 "server_error",       "client_gone",                 "api_error",            0,   "1234", 0,   Retry::soon, "nobody is left to answer"},
    {FaultCode::shutting_down,               "server_error",       "shutting_down",               "overloaded_error",     529, "1305", 0,   Retry::soon, "draining"},
    {FaultCode::overloaded,                  "server_error",       "server_overloaded",           "overloaded_error",     529, "1305", 0,   Retry::soon, "our own limits, `ledger.max_holds` among them"},
    {FaultCode::store_unavailable,           "server_error",       "store_unavailable",           "api_error",            0,   "1230", 0,   Retry::soon, "the ledger cannot take the request, and nothing was sent upstream; or, with `durability = \"power\"`, the answer could not be made durable"},
    {FaultCode::internal,                    "server_error",       "internal_error",              "api_error",            0,   "500",  0,   Retry::soon, "a bug; the request id is in the log"},
};
// clang-format on

static_assert(std::size(kFaces) == static_cast<std::size_t>(FaultCode::internal) + 1);

}  // namespace

std::span<const BusinessCode> business_codes() { return kBusinessCodes; }

const BusinessCode* find_business_code(std::string_view digits) {
  int code = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return nullptr;
  for (const BusinessCode& row : kBusinessCodes)
    if (row.code == code) return &row;
  return nullptr;
}

const FaultFace& face(FaultCode code) {
  const FaultFace& found = kFaces[static_cast<std::size_t>(code)];
  assert(found.code == code && "kFaces is in the order of FaultCode");
  return found;
}

}  // namespace glmgate::protocol
