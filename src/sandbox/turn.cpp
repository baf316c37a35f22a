#include "sandbox/turn.h"

#include <algorithm>
#include <unordered_map>

namespace glmgate::sandbox {
namespace {

constexpr std::string_view kWord = "sandbox:";

bool begins_with_word(std::string_view text) {
  return text.size() >= kWord.size() &&
         std::ranges::equal(text.substr(0, kWord.size()), kWord, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

/// Takes "sandbox: ..." from the head of `text`: the directives, and the words that are left.
bool split_directives(std::string_view text, Turn& turn) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  // opencode puts quotation marks around the whole prompt (clients.md).
  const bool quoted = text.starts_with('"') && text.ends_with('"') && text.size() > 1;
  if (quoted) text = text.substr(1, text.size() - 2);
  if (!begins_with_word(text)) return false;
  text.remove_prefix(kWord.size());
  const std::size_t end = std::min(text.find('\n'), text.size());
  turn.directives = text.substr(0, end);
  turn.words = text.substr(end);
  return true;
}

bool find_directives(const Message& message, Turn& turn) {
  for (auto part = message.more.rbegin(); part != message.more.rend(); ++part)
    if (split_directives(*part, turn)) return true;
  return split_directives(message.text, turn);
}

using ToolsOfCalls = std::unordered_map<std::string_view, std::string_view>;

/// By the calls' ids; of those that repeat, the latest message counts.
ToolsOfCalls tools_of_calls(const Request& request) {
  ToolsOfCalls tools;
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message)
    for (const PastCall& call : message->calls) tools.try_emplace(call.id, call.name);
  return tools;
}

}  // namespace

Turn read_turn(const Request& request) {
  Turn turn;
  const ToolsOfCalls tools = tools_of_calls(request);
  bool in_results = true;
  bool found_words = false;
  bool found_directives = false;
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
    if (message->role == Role::assistant) {
      in_results = false;
      if (found_words && message->calls.empty()) break;
    }
    if (message->role == Role::tool && in_results) {
      const auto tool = tools.find(message->answers);
      turn.results.push_back(
          {tool == tools.end() ? std::string_view() : tool->second, message->text});
    }
    if (message->role != Role::user) continue;
    if (!found_words) {
      found_words = true;
      turn.said = turn.words = message->last_text();
      turn.images = message->images;
      turn.videos = message->videos;
      turn.files = message->files;
    }
    if (!found_directives) found_directives = find_directives(*message, turn);
  }
  std::ranges::reverse(turn.results);
  return turn;
}

}  // namespace glmgate::sandbox
