#include "protocol/responses_object.h"

#include <algorithm>

#include "base/json.h"
#include "protocol/fault_text.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kLongestMessage = 2048;
constexpr std::int64_t kShortWait = 5;  // a throttle whose length nobody stated

/// A line end cannot stand inside a JSON string, so outside of strings is where they all are.
std::string on_one_line(std::string_view json) {
  std::string out(json);
  for (char& c : out)
    if (c == '\n' || c == '\r') c = ' ';
  return out;
}

bool is_bulk(std::string_view key) { return key == "instructions" || key == "tools"; }

std::string usage_json(const std::optional<Usage>& usage) {
  if (!usage) return "null";
  return R"({"input_tokens":)" + std::to_string(usage->input) +
         R"(,"input_tokens_details":{"cached_tokens":)" + std::to_string(usage->cached) +
         R"(},"output_tokens":)" + std::to_string(usage->output) +
         R"(,"output_tokens_details":{"reasoning_tokens":)" + std::to_string(usage->reasoning) +
         R"(},"total_tokens":)" + std::to_string(usage->input + usage->output) + "}";
}

std::string_view word(ResponseStatus status) {
  switch (status) {
    case ResponseStatus::in_progress:
      return "in_progress";
    case ResponseStatus::completed:
      return "completed";
    case ResponseStatus::incomplete:
      return "incomplete";
    case ResponseStatus::failed:
      return "failed";
  }
  return "failed";
}

std::string_view error_code(FaultCode code) {
  switch (code) {
    case FaultCode::rate_limited:
    case FaultCode::upstream_overloaded:
      return "rate_limit_exceeded";
    case FaultCode::quota_exhausted:
    case FaultCode::insufficient_balance:
    case FaultCode::plan_expired:
      return "insufficient_quota";
    case FaultCode::context_too_long:
      return "context_length_exceeded";
    case FaultCode::content_blocked:
    case FaultCode::bad_value:
    case FaultCode::missing_field:
    case FaultCode::unsupported_field:
      return "invalid_prompt";
    default:
      return "server_error";
  }
}

}  // namespace

std::size_t ResponsesEcho::bytes() const {
  std::size_t sum = 0;
  for (const std::string* each :
       {&instructions, &max_output_tokens, &metadata, &parallel_tool_calls, &previous_response_id,
        &reasoning, &temperature, &text, &tool_choice, &tools, &top_p, &truncation, &user})
    sum += each->size();
  return sum;
}

ResponsesEcho read_responses_echo(const Body& body, EchoOf what) {
  ResponsesEcho echo;
  const JsonView root = body.root();
  struct Member {
    std::string_view key;
    JsonType type;
    std::string ResponsesEcho::* field;
  };
  static constexpr Member kMembers[] = {
      {"instructions", JsonType::string, &ResponsesEcho::instructions},
      {"max_output_tokens", JsonType::number, &ResponsesEcho::max_output_tokens},
      {"metadata", JsonType::object, &ResponsesEcho::metadata},
      {"parallel_tool_calls", JsonType::boolean, &ResponsesEcho::parallel_tool_calls},
      {"previous_response_id", JsonType::string, &ResponsesEcho::previous_response_id},
      {"temperature", JsonType::number, &ResponsesEcho::temperature},
      {"tool_choice", JsonType::string, &ResponsesEcho::tool_choice},
      {"tool_choice", JsonType::object, &ResponsesEcho::tool_choice},
      {"tools", JsonType::array, &ResponsesEcho::tools},
      {"top_p", JsonType::number, &ResponsesEcho::top_p},
      {"truncation", JsonType::string, &ResponsesEcho::truncation},
      {"user", JsonType::string, &ResponsesEcho::user},
  };
  for (const Member& member : kMembers)
    if (what == EchoOf::everything || !is_bulk(member.key))
      if (const JsonView value = root.find(member.key); value.is(member.type))
        echo.*member.field = on_one_line(value.raw());
  const JsonView reasoning = root.find("reasoning");
  const auto or_null = [](JsonView value) {
    return value.is(JsonType::string) ? value.raw() : std::string_view("null");
  };
  echo.reasoning = R"({"effort":)" + std::string(or_null(reasoning.find("effort"))) +
                   R"(,"summary":)" + std::string(or_null(reasoning.find("summary"))) + "}";
  const JsonView format = root.find("text").find("format");
  const JsonView verbosity = root.find("text").find("verbosity");
  echo.text = R"({"format":)";
  echo.text +=
      format.find("type").is(JsonType::string) ? on_one_line(format.raw()) : R"({"type":"text"})";
  if (verbosity.is(JsonType::string)) (echo.text += R"(,"verbosity":)") += verbosity.raw();
  echo.text += "}";
  return echo;
}

std::string write_response_object(const ResponseHead& head, ResponseStatus status,
                                  std::string_view output, const std::optional<Usage>& usage,
                                  std::string_view why) {
  const bool failed = status == ResponseStatus::failed;
  static const ResponsesEcho kNothing;
  const ResponsesEcho& echo = head.echo ? *head.echo : kNothing;
  std::string out;
  out.reserve(output.size() + echo.tools.size() + echo.instructions.size() + 1024);
  const auto member = [&out](std::string_view key, std::string_view json) {
    (((out += ",\"") += key) += "\":") += json;
  };
  (out += R"({"id":)") += json::quote(head.id);
  member("object", "\"response\"");
  member("created_at", std::to_string(head.created));
  ((out += R"(,"status":")") += word(status)) += '"';
  member("error", failed ? why : "null");
  if (status == ResponseStatus::incomplete)
    ((out += R"(,"incomplete_details":{"reason":")") += why) += "\"}";
  else
    member("incomplete_details", "null");
  member("instructions", echo.instructions);
  member("max_output_tokens", echo.max_output_tokens);
  member("metadata", echo.metadata);
  member("model", json::quote(head.model));
  ((out += R"(,"output":[)") += output) += ']';
  member("parallel_tool_calls", echo.parallel_tool_calls);
  member("previous_response_id", echo.previous_response_id);
  member("reasoning", echo.reasoning);
  member("store", head.stored ? "true" : "false");
  member("temperature", echo.temperature);
  member("text", echo.text);
  member("tool_choice", echo.tool_choice);
  member("tools", echo.tools);
  member("top_p", echo.top_p);
  member("truncation", echo.truncation);
  member("usage", usage_json(usage));
  member("user", echo.user);
  out += '}';
  return out;
}

std::string write_response_error(const Fault& fault) {
  const std::string_view code = error_code(fault.code);
  std::string message = clean(fault.for_client, kLongestMessage);
  if (message.empty()) message = "the request failed: " + std::string(name(fault.code));
  // Codex reads the delay from these words.
  if (code == "rate_limit_exceeded")
    message += "; try again in " +
               std::to_string(fault.wait.count() > 0 ? fault.wait.count() : kShortWait) + "s";
  constexpr std::string_view kTooLong = "maximum context length";
  if (code == "context_length_exceeded" && message.find(kTooLong) == std::string::npos)
    message = std::string(kTooLong) + " exceeded: " + message;
  return R"({"code":")" + std::string(code) + R"(","message":)" + json::quote(message) + "}";
}

void append_response_event(std::string& out, std::string_view type, std::uint64_t sequence,
                           std::string_view fields, std::string_view rest) {
  out.reserve(out.size() + fields.size() + rest.size() + 160);
  ((out += "event: ") += type) += "\ndata: {\"type\":\"";
  ((out += type) += R"(","sequence_number":)") += std::to_string(sequence);
  if (!fields.empty()) ((out += ',') += fields) += rest;
  out += "}\n\n";
}

}  // namespace glmgate::protocol
