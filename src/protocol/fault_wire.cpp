#include "protocol/fault_wire.h"

#include <algorithm>

#include "base/json.h"
#include "protocol/chat_answer.h"
#include "protocol/fault_codes.h"
#include "protocol/fault_text.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kLongestMessage =
    2048;  // twice that when escaped: the body stays under 8 KiB
constexpr std::int64_t kLongestWait = 604'800;
constexpr std::int64_t kShortWait = 5;   // a throttle whose length nobody stated
constexpr std::int64_t kLongWait = 600;  // a quota or balance: as long as its credential rests

/// A fault as one dialect shows it.
struct Shown {
  int status;
  std::string_view type;
  std::string_view code;
  std::string message;
  Retry retry;
};

bool is_native(Protocol client) { return client == Protocol::glm; }
bool is_anthropic(Protocol client) {
  return client == Protocol::anthropic_messages || client == Protocol::anthropic_complete;
}

/// The row of the upstream's business code, if the fault is still the one it named.
const BusinessCode* row_of(const Fault& fault) {
  const BusinessCode* const row = find_business_code(fault.glm_code);
  return row != nullptr && row->fault == fault.code ? row : nullptr;
}

/// Agents shorten their history when they read these words, and only then
/// (wire-protocols 1.7, 2.4).
std::string with_words(std::string message, std::string_view words) {
  return message.find(words) == std::string::npos ? std::string(words) + ": " + message : message;
}

/// Digits that tell of our account would be taken for the client's own.
bool is_about_our_account(FaultCode code) {
  return code == FaultCode::upstream_refused_key || code == FaultCode::upstream_account;
}

Shown show(Protocol client, const Fault& fault) {
  const BusinessCode* const row = row_of(fault);
  const FaultFace& look = face(fault.code);
  Shown shown{.status = http_status(fault.code),
              .type = {},
              .code = {},
              .message = clean(fault.for_client, kLongestMessage),
              .retry = row != nullptr ? row->retry : look.retry};
  if (shown.message.empty()) shown.message = "the request failed: " + std::string(look.about);
  if (is_native(client)) {
    if (look.native_status != 0) shown.status = look.native_status;
    const bool has_digits = row != nullptr && !is_about_our_account(fault.code);
    shown.code = has_digits ? std::string_view(fault.glm_code) : look.native_code;
    shown.type = look.openai_code;
  } else if (is_anthropic(client)) {
    if (look.anthropic_status != 0) shown.status = look.anthropic_status;
    shown.type = look.anthropic_type;
    if (fault.code == FaultCode::context_too_long)
      shown.message = with_words(std::move(shown.message), "prompt is too long");
  } else {
    shown.type = look.openai_type;
    shown.code = look.openai_code;
    if (fault.code == FaultCode::context_too_long)
      shown.message = with_words(std::move(shown.message), "maximum context length exceeded");
  }
  return shown;
}

std::int64_t wait_of(const Fault& fault, Retry retry) {
  if (fault.wait.count() > 0) return std::min<std::int64_t>(fault.wait.count(), kLongestWait);
  return retry == Retry::soon ? kShortWait : kLongWait;
}

bool says_when(const Shown& shown) {
  return shown.status == 429 || shown.status == 503 || shown.status == 529;
}

std::string openai_error(const Fault& fault, const Shown& shown) {
  std::string out = R"({"message":)" + json::quote(shown.message) + R"(,"type":)" +
                    json::quote(shown.type) + R"(,"param":)";
  out += fault.param.empty() ? "null" : json::quote(clean(fault.param, 256));
  out += R"(,"code":)" + json::quote(shown.code);
  if (!fault.glm_code.empty()) out += R"(,"glm_code":)" + json::quote(clean(fault.glm_code, 16));
  return out + "}";
}

/// With `strict`, exactly what the vendor's Java client parses: it drops the code of anything else
/// (glm-api 8.1).
std::string native_error(const Fault& fault, const Shown& shown, bool strict) {
  std::string out =
      R"({"code":)" + json::quote(shown.code) + R"(,"message":)" + json::quote(shown.message);
  if (strict) return out + "}";
  out += R"(,"type":)" + json::quote(shown.type) + R"(,"param":)";
  out += fault.param.empty() ? "null" : json::quote(clean(fault.param, 256));
  if (shown.status == 429)
    out += R"(,"retry_after":)" + std::to_string(wait_of(fault, shown.retry));
  return out + "}";
}

std::string anthropic_error(const Shown& shown) {
  return R"({"type":)" + json::quote(shown.type) + R"(,"message":)" + json::quote(shown.message) +
         "}";
}

}  // namespace

WireFault write_fault(const FaultStyle& style, const Fault& fault, std::string_view request_id) {
  const Shown shown = show(style.client, fault);
  WireFault out;
  out.status = shown.status;
  if (says_when(shown))
    out.headers.emplace_back("retry-after", std::to_string(wait_of(fault, shown.retry)));
  if (shown.retry != Retry::soon &&
      (shown.status >= 500 || shown.status == 429 || shown.status == 409 ||
       (shown.status >= 401 && shown.status <= 403)))
    out.headers.emplace_back("x-should-retry", "false");

  const std::string id = json::quote(clean(request_id, 128));
  if (is_native(style.client))
    out.body = R"({"error":)" + native_error(fault, shown, style.strict_java) + "}";
  else if (is_anthropic(style.client))
    out.body =
        R"({"type":"error","error":)" + anthropic_error(shown) + R"(,"request_id":)" + id + "}";
  else
    out.body = R"({"error":)" + openai_error(fault, shown) + R"(,"request_id":)" + id + "}";
  return out;
}

std::string write_chat_stream_fault(Protocol client, const Fault& fault) {
  const Shown shown = show(client, fault);
  if (is_native(client)) return R"(data: {"error":)" + native_error(fault, shown, true) + "}\n\n";
  if (is_anthropic(client))
    return "event: error\ndata: {\"type\":\"error\",\"error\":" + anthropic_error(shown) + "}\n\n";
  return R"(data: {"error":)" + openai_error(fault, shown) + "}\n\n";
}

}  // namespace glmgate::protocol
