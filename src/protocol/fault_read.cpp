#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>
#include <optional>

#include "protocol/fault_codes.h"
#include "protocol/fault_said.h"
#include "protocol/fault_text.h"
#include "protocol/fault_wire.h"

namespace glmgate::protocol {
namespace {

constexpr std::int64_t kLongestWait = 604'800;

/// OpenAI's and Anthropic's words, as engines and other gateways send them.
struct Word {
  std::string_view word;
  FaultCode fault;
};
constexpr Word kWords[] = {
    {"context_length_exceeded", FaultCode::context_too_long},
    {"exceed_context_size_error", FaultCode::context_too_long},
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
    {"timeout_error", FaultCode::upstream_timeout},
    {"request_too_large", FaultCode::body_too_large},
    {"invalid_request_error", FaultCode::bad_value},
    {"BadRequestError", FaultCode::bad_value},
};

std::optional<FaultCode> find_word(std::string_view word) {
  for (const Word& known : kWords)
    if (known.word == word) return known.fault;
  return std::nullopt;
}

/// A status that says nothing by itself of what the request lacks: the body's words may.
bool is_vague(int status) { return status < 400 || status == 400 || status == 422; }

/// Of a proxy, a path or a method of ours (405, 407, 421, 426, 499 ...) no client can change
/// anything: that is upstream_error.
FaultCode by_status(int status) {
  switch (status) {
    case 400:
    case 422:
      return FaultCode::bad_value;
    case 401:
    case 403:
      return FaultCode::upstream_refused_key;
    case 402:
      return FaultCode::insufficient_balance;
    case 404:
      return FaultCode::model_not_found;
    case 408:
    case 504:
    case 524:
      return FaultCode::upstream_timeout;
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
      return status >= 400 ? FaultCode::upstream_error : FaultCode::upstream_broken;
  }
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
    case FaultCode::upstream_timeout:
      return "the model service ran out of time";
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

/// When a quota starts again; nothing if nobody said.
std::optional<UtcMillis> reset_of(std::string_view retry_after, std::string_view message,
                                  UtcMillis now) {
  if (const auto reset = find_reset(message)) return reset;
  if (const auto seconds = read_number(retry_after))
    return now + std::min(*seconds, kLongestWait) * 1000;
  return std::nullopt;
}

/// "; it starts again at 2026-11-21 13:05 UTC (in 10 minutes)"
std::string start_text(UtcMillis reset, UtcMillis now) {
  if (reset <= now) return {};
  const std::string stamp = rfc3339(reset + 59'999);  // the minute in which it surely has
  const std::int64_t minutes = (reset - now + 59'999) / 60'000;
  const auto in = [](std::int64_t count, std::string_view unit) {
    return std::to_string(count) + " " + std::string(unit) + (count == 1 ? "" : "s");
  };
  std::string wait = in(minutes, "minute");
  if (minutes >= 120) wait = in((minutes + 59) / 60, "hour");
  if (minutes >= std::int64_t{48} * 60) wait = in((minutes + 1439) / 1440, "day");
  return "; it starts again at " + stamp.substr(0, 10) + " " + stamp.substr(11, 5) + " UTC (in " +
         wait + ")";
}

std::chrono::seconds read_wait(const Fault& fault, std::string_view retry_after,
                               std::optional<UtcMillis> reset, UtcMillis now) {
  const auto bounded = [](std::int64_t seconds) {
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, kLongestWait));
  };
  if (fault.code == FaultCode::quota_exhausted && reset)
    return bounded((*reset - now + 999) / 1000);
  if (const auto seconds = read_number(retry_after)) return bounded(*seconds);
  return std::chrono::seconds(0);
}

FaultCode classify(int status, const Said& said, const BusinessCode* row) {
  FaultCode code = by_status(status);
  if (status == 404 && !said.is_error)
    code = FaultCode::upstream_error;  // no such path: our address is wrong
  if (row != nullptr && row->code >= 1000) {
    code = row->fault;
  } else if (const auto word = find_word(said.code)) {
    code = *word;
  } else if (const auto type = find_word(said.type); type && (is_vague(status) || row != nullptr)) {
    code = *type;
  } else if (row != nullptr) {
    code = row->fault;
  }
  const bool may_be_length = code == FaultCode::bad_value || code == FaultCode::upstream_error ||
                             code == FaultCode::body_too_large;
  return may_be_length && tells_full_context(said) ? FaultCode::context_too_long : code;
}

/// Where the same request may be sent again, if no business code says so (promises 4).
Again again_of(const Fault& fault, int status) {
  switch (fault.code) {
    case FaultCode::upstream_timeout:  // it has answered: what it says of its own time-out is cheap
      return status == 408 ? Again::elsewhere : Again::after_wait;
    case FaultCode::upstream_error:
      return status == 500 || status == 502 || (status >= 520 && status <= 529) ? Again::after_wait
                                                                                : Again::elsewhere;
    case FaultCode::rate_limited:  // for how long, nobody knows
      return fault.wait.count() > 0 ? Again::after_wait : Again::elsewhere;
    default:
      return fault.again;
  }
}

}  // namespace

Fault read_upstream_fault(int status, std::string_view retry_after, std::string_view body,
                          const UpstreamPlace& place, UtcMillis now) {
  const Said said = read_said(body);
  const BusinessCode* row = find_business_code(said.code);
  // Engines put the HTTP status into `code`: it counts where the status line says 200, as inside a
  // stream.
  const auto stated = read_number(said.code);
  if (status < 400 && stated && *stated >= 400 && *stated <= 599)
    status = static_cast<int>(*stated);
  if (status < 400 && said.is_error) status = find_word(said.type) ? 400 : 500;

  const FaultCode code = classify(status, said, row);
  if (row != nullptr && row->fault != code) row = nullptr;
  Fault fault = make_fault(code, std::string(row != nullptr ? row->words : words_of(code)));
  fault.blame = shows_message(code) || code == FaultCode::duplicate_request ||
                        code == FaultCode::body_too_large
                    ? Blame::client
                    : Blame::upstream;
  if (row != nullptr || (is_digits(said.code) && said.code.size() == 4)) fault.glm_code = said.code;
  const auto reset = now > 0 && code == FaultCode::quota_exhausted
                         ? reset_of(retry_after, said.message, now)
                         : std::nullopt;
  fault.wait = read_wait(fault, retry_after, reset, now);
  fault.again = row != nullptr ? row->again : again_of(fault, status);
  if (reset) fault.for_client += start_text(*reset, now);
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

bool passes_as_said(Protocol client, const Fault& fault, int status, std::string_view body) {
  if (status != 400 && status != 422) return false;
  // Which models there are is ours to say.
  if (!shows_message(fault.code) || fault.code == FaultCode::model_not_found) return false;
  const Said said = read_said(body);
  if (!said.is_shaped_for(client)) return false;
  if (fault.code != FaultCode::context_too_long) return true;
  // What agents shorten their history on.
  if (said.is_anthropic)
    return said.message.find("prompt is too long") != std::string::npos ||
           said.message.find("exceed context limit") != std::string::npos;
  return said.code == "context_length_exceeded";
}

}  // namespace glmgate::protocol
