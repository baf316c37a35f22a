#include "protocol/client_words.h"

#include <string_view>

namespace glmgate::protocol {
namespace {

struct Row {
  std::string_view chat;
  std::string_view messages;  // empty: the same
  std::string_view responses;
};

constexpr Row kRows[] = {
    {"reasoning_effort", "output_config.effort", "reasoning.effort"},
    {"thinking", "", "reasoning"},
    {"max_tokens", "", "max_output_tokens"},
    {"response_format", "output_config.format", "text.format"},
    {"response_format.json_schema", "output_config.format", "text.format"},
    {"parallel_tool_calls", "tool_choice.disable_parallel_tool_use", ""},
    {"tools[].function.strict", "tools[].strict", "tools[].strict"},
    {"verbosity", "", "text.verbosity"},
    {"messages[].reasoning_content", "messages[].content[].thinking", "input[].encrypted_content"},
    {"messages[].thinking_blocks", "messages[].content[].thinking", "input[].encrypted_content"},
    {"messages[].content[].type", "", "input[].content[].type"},
    {"messages[0]", "", "input[0]"},
};

}  // namespace

std::string in_client_words(Protocol client, std::string warning) {
  constexpr std::string_view kField = "; field=";
  const auto at = warning.find(kField);
  if (at == std::string::npos) return warning;
  const std::size_t begin = at + kField.size();
  const std::string_view field = std::string_view(warning).substr(begin);
  for (const Row& row : kRows) {
    if (row.chat != field) continue;
    const std::string_view own = client == Protocol::openai_responses     ? row.responses
                                 : client == Protocol::anthropic_messages ? row.messages
                                                                          : std::string_view();
    if (!own.empty()) warning.replace(begin, std::string::npos, own);
    break;
  }
  return warning;
}

}  // namespace glmgate::protocol
