#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>

#include "protocol/fault_codes.h"
#include "protocol/fault_text.h"
#include "protocol/fault_wire.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostBody = 1 << 20;  // of an error body is looked at
constexpr std::int64_t kLongestWait = 604'800;

/// What an error body says, whatever its shape.
struct Said {
  std::string code;  // as written, digits or a word
  std::string type;
  std::string message;
  std::string param;
  bool is_error = false;  // there was an error in it, in one of the known shapes
};

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string text_of(JsonView value) {
  if (value.is(JsonType::string)) return *value.string();
  if (value.is(JsonType::number)) return std::string(value.raw());
  return {};
}

/// "[1302][Rate limit reached]" holds the code where the Anthropic endpoint has no field for it
/// (glm-api 4.3).
std::string bracketed_code(std::string_view message) {
  if (!message.starts_with('[')) return {};
  const auto end = message.find(']');
  const std::string_view code = message.substr(1, end == std::string_view::npos ? 0 : end - 1);
  return is_digits(code) && (code.size() == 3 || code.size() == 4) ? std::string(code)
                                                                   : std::string();
}

/// Nested {"error":{code,message}}, {"error":"text"}, flat {"code","msg"}, engines'
/// {"object":"error",...}, {"detail":...}.
Said read_said(std::string_view body) {
  Said said;
  const auto tape = JsonTape::scan(body.substr(0, kMostBody), {.rigor = JsonRigor::upstream});
  if (!tape) return said;
  const JsonView root = tape->root(body);
  const JsonView nested = root.find("error");
  const JsonView from = nested.is(JsonType::object) ? nested : root;
  said.code = text_of(from.find("code"));
  said.type = text_of(from.find("type"));
  said.param = text_of(from.find("param"));
  for (const std::string_view key : {"message", "msg", "detail"})
    if (said.message.empty()) said.message = text_of(from.find(key));
  if (nested.is(JsonType::string)) said.message = *nested.string();
  said.is_error = nested.given() || !said.code.empty() || root.find("success").boolean() == false ||
                  root.find("object").equals("error") || said.type == "error";
  if (!is_digits(said.code) && is_digits(said.type)) said.code = said.type;
  if (!is_digits(said.code))
    if (std::string code = bracketed_code(said.message); !code.empty()) said.code = std::move(code);
  return said;
}

/// OpenAI's and Anthropic's words, as engines and other gateways send them.
struct Word {
  std::string_view word;
  FaultCode fault;
};
constexpr Word kWords[] = {
    {"context_length_exceeded", FaultCode::context_too_long},
    {"content_filter", FaultCode::content_blocked},
    {"insufficient_quota", FaultCode::insufficient_balance},
    {"billing_error", FaultCode::insufficient_balance},
    {"invalid_api_key", FaultCode::upstream_refused_key},
    {"authentication_error", FaultCode::upstream_refused_key},
    {"permission_error", FaultCode::upstream_refused_key},
    {"model_not_found", FaultCode::model_not_found},
    {"not_found_error", FaultCode::model_not_found},
    {"NotFoundError", FaultCode::model_not_found},
    {"rate_limit_exceeded", FaultCode::rate_limited},
    {"rate_limit_error", FaultCode::rate_limited},
    {"overloaded_error", FaultCode::upstream_overloaded},
    {"server_is_overloaded", FaultCode::upstream_overloaded},
    {"request_too_large", FaultCode::body_too_large},
    {"invalid_request_error", FaultCode::bad_value},
    {"BadRequestError", FaultCode::bad_value},
};

std::optional<FaultCode> find_word(std::string_view word) {
  for (const Word& known : kWords)
    if (known.word == word) return known.fault;
  return std::nullopt;
}

FaultCode by_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return FaultCode::upstream_refused_key;
    case 402:
      return FaultCode::insufficient_balance;
    case 404:
      return FaultCode::model_not_found;
    case 408:
      return FaultCode::upstream_error;
    case 409:
      return FaultCode::duplicate_request;
    case 413:
    case 435:
      return FaultCode::body_too_large;
    case 429:
      return FaultCode::rate_limited;
    case 434:
      return FaultCode::upstream_account;  // no access to a beta feature
    case 503:
    case 529:
      return FaultCode::upstream_overloaded;
    default:
      break;
  }
  if (status >= 500) return FaultCode::upstream_error;
  if (status >= 400) return FaultCode::bad_value;
  return FaultCode::upstream_broken;
}

std::string_view words_of(FaultCode code) {
  switch (code) {
    case FaultCode::upstream_refused_key:
      return "the model service did not accept this gateway's key";
    case FaultCode::upstream_account:
      return "the account behind this gateway may not do this";
    case FaultCode::insufficient_balance:
      return "the account behind this gateway has no balance left";
    case FaultCode::model_not_found:
      return "the model service does not know this model";
    case FaultCode::duplicate_request:
      return "the model service is handling this request already";
    case FaultCode::body_too_large:
      return "the request is too large for the model service";
    case FaultCode::rate_limited:
      return "the model service is limiting requests; try again in a few seconds";
    case FaultCode::upstream_overloaded:
      return "the model service is overloaded; try again in a few seconds";
    case FaultCode::context_too_long:
      return "the prompt does not fit the model's context";
    case FaultCode::content_blocked:
      return "the content was blocked by the provider's policy";
    case FaultCode::bad_value:
      return "the model service refused the request";
    case FaultCode::upstream_error:
      return "the model service reported an internal error";
    default:
      return "the model service gave an answer that cannot be read";
  }
}

/// The upstream's own message helps only where the client can change its request.
bool shows_message(FaultCode code) {
  switch (code) {
    case FaultCode::bad_value:
    case FaultCode::missing_field:
    case FaultCode::unsupported_field:
    case FaultCode::model_not_found:
    case FaultCode::context_too_long:
    case FaultCode::content_blocked:
      return true;
    default:
      return false;
  }
}

struct Hint {
  std::string_view provider;
  std::string_view text;
};
constexpr Hint kPlanHints[] = {
    {"zai",
     "; the key of a Coding Plan works only at its own address: use provider zai-coding "
     "(https://api.z.ai/api/coding/paas/v4)"},
    {"zhipu",
     "; the key of a Coding Plan works only at its own address: use provider zhipu-coding "
     "(https://open.bigmodel.cn/api/coding/paas/v4)"},
    {"zai-coding", "; at this address it means that the key has no Coding Plan: use provider zai"},
    {"zhipu-coding",
     "; at this address it means that the key has no Coding Plan: use provider zhipu"},
};
constexpr Hint kRegionHints[] = {
    {"zai", "; a key made at bigmodel.cn works only with provider zhipu or zhipu-coding"},
    {"zai-coding", "; a key made at bigmodel.cn works only with provider zhipu or zhipu-coding"},
    {"zhipu", "; a key made at z.ai works only with provider zai or zai-coding"},
    {"zhipu-coding", "; a key made at z.ai works only with provider zai or zai-coding"},
};
constexpr Hint kModelHints[] = {
    {"zai-coding", "; provider zai serves it by the token"},
    {"zhipu-coding", "; provider zhipu serves it by the token"},
};

template <std::size_t N>
std::string_view find_hint(const Hint (&hints)[N], std::string_view provider) {
  for (const Hint& hint : hints)
    if (hint.provider == provider) return hint.text;
  return {};
}

std::string_view hint_for(const Fault& fault, std::string_view provider) {
  if (fault.code == FaultCode::insufficient_balance) return find_hint(kPlanHints, provider);
  if (fault.code == FaultCode::upstream_refused_key) return find_hint(kRegionHints, provider);
  if (fault.glm_code == "1311") return find_hint(kModelHints, provider);
  return {};
}

std::optional<std::int64_t> read_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!is_digits(digits) || read.ec != std::errc()) return std::nullopt;
  return value;
}

/// "... will reset at 2026-11-20 18:00:00": UTC+8, as nothing says otherwise (glm-api 8.3).
std::optional<UtcMillis> find_reset(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd dd:dd:dd";
  for (std::size_t at = 0; at + kShape.size() <= text.size(); ++at) {
    const std::string_view piece = text.substr(at, kShape.size());
    if (!std::equal(kShape.begin(), kShape.end(), piece.begin(), [](char shape, char c) {
          return shape == 'd' ? c >= '0' && c <= '9' : c == shape;
        }))
      continue;
    const auto part = [&](std::size_t from, std::size_t size) {
      return static_cast<int>(*read_number(piece.substr(from, size)));
    };
    const std::chrono::year_month_day day{std::chrono::year(part(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(part(8, 2)))};
    if (!day.ok() || part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 60) continue;
    const auto at_zone = std::chrono::sys_days(day) + std::chrono::hours(part(11, 2)) +
                         std::chrono::minutes(part(14, 2)) + std::chrono::seconds(part(17, 2));
    const auto utc = at_zone - std::chrono::hours(8);
    return std::chrono::duration_cast<std::chrono::milliseconds>(utc.time_since_epoch()).count();
  }
  return std::nullopt;
}

std::chrono::seconds read_wait(const Fault& fault, std::string_view retry_after,
                               std::string_view message, UtcMillis now) {
  const auto bounded = [](std::int64_t seconds) {
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, kLongestWait));
  };
  if (fault.code == FaultCode::quota_exhausted && now > 0)
    if (const auto reset = find_reset(message)) return bounded((*reset - now + 999) / 1000);
  if (const auto seconds = read_number(retry_after)) return bounded(*seconds);
  return std::chrono::seconds(0);
}

bool says_context_is_full(std::string_view message) {
  for (const std::string_view words :
       {"maximum context length", "prompt is too long", "context window limit", "context length",
        "exceeds the model's maximum"})
    if (message.find(words) != std::string_view::npos) return true;
  return false;
}

}  // namespace

Fault read_upstream_fault(int status, std::string_view retry_after, std::string_view body,
                          const UpstreamPlace& place, UtcMillis now) {
  const Said said = read_said(body);
  const BusinessCode* const row = find_business_code(said.code);
  // Engines put the HTTP status into `code`: it counts where the status line says 200, as inside a
  // stream.
  const auto stated = read_number(said.code);
  if (status < 400 && stated && *stated >= 400 && *stated <= 599)
    status = static_cast<int>(*stated);
  const bool status_is_vague = status < 400 || status == 400 || status == 422;
  if (status < 400 && said.is_error) status = 500;

  FaultCode code = by_status(status);
  if (status == 404 && !said.is_error)
    code = FaultCode::upstream_error;  // no such path: our address is wrong
  if (row != nullptr) {
    code = row->fault;
  } else if (const auto word = find_word(said.code)) {
    code = *word;
  } else if (const auto type = find_word(said.type); type && status_is_vague) {
    code = *type;
  }
  if (code == FaultCode::bad_value && says_context_is_full(said.message))
    code = FaultCode::context_too_long;

  Fault fault = make_fault(code, std::string(row != nullptr ? row->words : words_of(code)));
  fault.blame = shows_message(code) || code == FaultCode::duplicate_request ||
                        code == FaultCode::body_too_large
                    ? Blame::client
                    : Blame::upstream;
  if (row != nullptr) {
    fault.again = row->again;
    fault.glm_code = said.code;
  } else if (is_digits(said.code) && said.code.size() == 4) {
    fault.glm_code = said.code;
  }
  fault.wait = read_wait(fault, retry_after, said.message, now);
  fault.for_client += hint_for(fault, place.provider);
  if (shows_message(code) && !said.message.empty()) {
    fault.for_client += ": " + redact(clean(said.message, 1024));
    fault.param = redact(clean(said.param, 128));
  }
  fault.for_us = "answered " + std::to_string(status);
  if (!said.code.empty()) fault.for_us += " code " + redact(clean(said.code, 64));
  if (!said.message.empty()) fault.for_us += ": " + redact(clean(said.message, 300));
  return fault;
}

bool passes_as_said(const Fault& fault, std::string_view body) {
  // Which models there are is ours to say.
  if (!shows_message(fault.code) || fault.code == FaultCode::model_not_found) return false;
  if (fault.code == FaultCode::context_too_long)
    return body.find("prompt is too long") != std::string_view::npos ||
           body.find("context_length_exceeded") != std::string_view::npos;
  return read_said(body).is_error;
}

}  // namespace glmgate::protocol
