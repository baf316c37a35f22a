#include "protocol/fault_said.h"

#include <algorithm>

#include "protocol/json_scan.h"

namespace glmgate::protocol {
namespace {

constexpr std::size_t kMostBody = 1 << 20;     // of an error body is looked at
constexpr std::size_t kMostMessage = 4 << 10;  // of its message, for words

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

void read_shape(JsonView root, JsonView nested, Said& said) {
  const bool speaks = nested.is(JsonType::object) && nested.find("message").is(JsonType::string);
  const bool typed = nested.find("type").is(JsonType::string) && !is_digits(said.type);
  const bool has_digits = nested.find("code").is(JsonType::string) && is_digits(said.code);
  said.is_anthropic = speaks && typed && root.find("type").equals("error");
  said.is_glm = speaks && is_digits(said.code) && !said.is_anthropic;
  said.is_openai = speaks && !has_digits && !root.find("type").equals("error");
}

constexpr std::string_view kFullContext[] = {
    // vLLM, OpenAI, SGLang, Mistral: "This model's maximum context length is 8192 tokens", "longer
    // than the model's context length", "too large for model with 8192 maximum context length"
    "context length",
    "context_length_exceeded",
    "longer than the maximum model length",
    "maximum allowed length",
    "maximum allowed input length",
    "reduce the length of the messages",
    // llama-server: "request (9 tokens) exceeds the available context size (8 tokens)"
    "exceed_context_size",
    "available context size",
    "context size has been exceeded",
    "context size exceeded",
    "exceed context window",
    // TGI
    "`inputs` must have less than",
    "`inputs` tokens + `max_new_tokens` must be",
    // Anthropic, and GLM's Anthropic endpoint
    "prompt is too long",
    "exceed context limit",
    "context window limit",
    // others
    "exceeds the context window",
    "context window exceed",
    "context_window_exceeded",
    "exceeds the model's maximum",
    "maximum prompt length is",
    "exceeds the maximum number of tokens",
    "exceeded model token limit",
    "input is too long",
    "input length too long",
    // GLM's 1261 under another code
    "prompt too long",
    "prompt exceeds max",
    "超长",
    "超过最大长度",
    "超出最大长度",
};

std::string small(std::string_view text) {
  std::string out(text.substr(0, kMostMessage));
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

}  // namespace

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool Said::is_shaped_for(Protocol client) const {
  switch (client) {
    case Protocol::anthropic_messages:
    case Protocol::anthropic_complete:
      return is_anthropic;
    case Protocol::glm:
      return is_glm;
    case Protocol::openai_chat:
    case Protocol::openai_responses:
      break;
  }
  return is_openai;
}

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
  read_shape(root, nested, said);
  if (!is_digits(said.code) && is_digits(said.type)) said.code = said.type;
  if (!is_digits(said.code))
    if (std::string code = bracketed_code(said.message); !code.empty()) said.code = std::move(code);
  return said;
}

bool tells_full_context(const Said& said) {
  const std::string words = small(said.type) + " " + small(said.message);
  return std::ranges::any_of(
      kFullContext, [&](std::string_view each) { return words.find(each) != std::string::npos; });
}

}  // namespace glmgate::protocol
