#include "protocol/answer_parts.h"

#include <algorithm>
#include <utility>

namespace glmgate::protocol {
namespace {

constexpr std::int64_t kLargestCount = std::int64_t{1} << 53;

std::size_t bytes_of(JsonView value) {
  return value.is(JsonType::string) ? value.text_bytes() : value.given() ? value.raw().size() : 0;
}

bool says_something(JsonView value) {
  return value.given() && value.boolean() != false && !value.equals("");
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::unexpected<Fault> broken(std::string what, std::string for_us) {
  Fault fault = make_fault(FaultCode::upstream_broken, std::move(what));
  fault.for_us = std::move(for_us);
  return fail(std::move(fault));
}

std::unexpected<Fault> ended_by_stray() {
  return broken("the model service ended its answer without a reason, after an unknown event");
}

Result<JsonView> scan_event(JsonTape& tape, std::string_view data) {
  if (auto scanned = tape.rescan(data, {.rigor = JsonRigor::upstream}); !scanned)
    return broken("the model service sent an event that is not JSON",
                  std::move(scanned.error().for_client));
  const JsonView root = tape.root(data);
  if (!root.is(JsonType::object))
    return broken("the model service sent an event that is no object");
  return root;
}

std::optional<std::int64_t> read_count(JsonView count) {
  const auto value = count.integer();
  if (!value || *value < 0 || *value > kLargestCount) return std::nullopt;
  return std::min(*value, Usage::kMaxTokens);
}

std::optional<Usage> read_usage(JsonView usage) {
  if (!usage.is(JsonType::object)) return std::nullopt;
  const auto input = read_count(usage.find("prompt_tokens"));
  const auto output = read_count(usage.find("completion_tokens"));
  if (!input || !output || (*input == 0 && *output == 0)) return std::nullopt;
  auto cached = read_count(usage.find("prompt_tokens_details").find("cached_tokens"));
  if (!cached) cached = read_count(usage.find("prompt_cache_hit_tokens"));
  const auto reasoning =
      read_count(usage.find("completion_tokens_details").find("reasoning_tokens"));
  Usage out;
  out.input = *input;
  out.output = *output;
  out.cached = std::min(cached.value_or(0), out.input);
  out.reasoning = std::min(reasoning.value_or(0), out.output);
  return out;
}

std::string write_chat_usage(const Usage& usage, std::int64_t cache_written) {
  std::string out = R"({"prompt_tokens":)" + std::to_string(usage.input) +
                    R"(,"completion_tokens":)" + std::to_string(usage.output) +
                    R"(,"total_tokens":)" + std::to_string(usage.input + usage.output) +
                    R"(,"prompt_tokens_details":{"cached_tokens":)" + std::to_string(usage.cached);
  if (cache_written > 0)
    out += R"(,"cache_creation_tokens":)" + std::to_string(std::min(cache_written, usage.input));
  return out + R"(},"completion_tokens_details":{"reasoning_tokens":)" +
         std::to_string(usage.reasoning) + "}}";
}

bool is_error_body(JsonView root) {
  if (says_something(root.find("error"))) return true;
  if (root.find("choices").given() || root.find("usage").given()) return false;
  return root.find("code").given() || root.find("success").boolean() == false ||
         root.find("object").equals("error") || root.find("type").equals("error");
}

std::int64_t count_text(JsonView message) {
  std::size_t bytes = 0;
  JsonView reasoning;
  for (JsonView member = message.first(); member.present(); member = member.after()) {
    if (member.key_equals("content") || member.key_equals("refusal")) {
      bytes += bytes_of(member);
    } else if (member.key_equals("reasoning_content") ||
               (member.key_equals("reasoning") && !reasoning.given())) {
      reasoning = member;  // some hosts send both, with the same text
    } else if (member.key_equals("tool_calls")) {
      for (JsonView call = member.first(); call.present(); call = call.after())
        bytes += bytes_of(call.find("function").find("arguments"));
    } else if (member.key_equals("function_call")) {
      bytes += bytes_of(member.find("arguments"));
    }
  }
  return static_cast<std::int64_t>(bytes + bytes_of(reasoning));
}

Result<std::string_view> openai_finish_reason(JsonView reason, std::int64_t text_bytes) {
  if (!reason.is(JsonType::string))
    return fail(FaultCode::upstream_broken, "the answer's finish_reason is no word");
  for (const std::string_view word :
       {"stop", "tool_calls", "length", "content_filter", "function_call"})
    if (reason.equals(word)) return word;
  if (reason.equals("sensitive")) return "content_filter";
  if (reason.equals("model_context_window_exceeded")) {
    if (text_bytes == 0)
      return fail(FaultCode::context_too_long, "the prompt does not fit the model's context");
    return "length";
  }
  // "abort" and "error" are what engines say when they gave up: as little an end as GLM's
  // network_error.
  for (const std::string_view word : {"network_error", "abort", "error"})
    if (reason.equals(word))
      return fail(FaultCode::upstream_error, "the model service broke off its answer");
  return "stop";
}

}  // namespace glmgate::protocol
