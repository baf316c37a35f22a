#include "protocol/custom_input.h"

#include "protocol/argument_text.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {

void ObjectEnd::feed(std::string_view bytes) {
  for (const char c : bytes) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    switch (state_) {
      case State::before:
        if (is_space) break;
        state_ = c == '{' ? State::inside : State::never;
        depth_ = 1;
        break;
      case State::inside:
        if (c == '"') state_ = State::text;
        if (c == '{' || c == '[') ++depth_;
        if ((c == '}' || c == ']') && --depth_ == 0) state_ = State::after;
        break;
      case State::text:
        if (c == '\\') state_ = State::escape;
        if (c == '"') state_ = State::inside;
        break;
      case State::escape:
        state_ = State::text;
        break;
      case State::after:
        if (!is_space) state_ = State::never;
        break;
      case State::never:
        return;
    }
  }
}

std::string custom_input(const std::string& arguments) {
  const auto tape =
      JsonTape::scan(arguments, {.depth = kArgumentDepth, .rigor = JsonRigor::upstream});
  if (!tape) return arguments;
  const JsonView input = tape->root(arguments).find("input");
  return input.is(JsonType::string) ? *input.string() : arguments;
}

}  // namespace glmgate::protocol
