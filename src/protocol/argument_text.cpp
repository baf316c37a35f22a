#include "protocol/argument_text.h"

#include "protocol/answer_parts.h"
#include "protocol/json_scan.h"

namespace glmgate::protocol {
namespace {

std::unexpected<Fault> invalid() { return broken("the model service gave invalid tool arguments"); }

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

Result<void> ArgumentText::add(std::string_view piece) {
  for (const char c : piece) {
    switch (state_) {
      case State::before:
        if (c == '{') {
          state_ = State::inside;
          depth_ = 1;
        } else if (!is_space(c)) {
          return invalid();
        }
        break;
      case State::inside:
        if (c == '"')
          state_ = State::in_string;
        else if (c == '{' || c == '[')
          ++depth_;
        else if ((c == '}' || c == ']') && --depth_ == 0)
          state_ = State::behind;
        break;
      case State::in_string:
        if (c == '\\')
          state_ = State::after_backslash;
        else if (c == '"')
          state_ = State::inside;
        break;
      case State::after_backslash:
        state_ = State::in_string;
        break;
      case State::behind:
        if (!is_space(c)) return invalid();
        break;
    }
  }
  text_ += piece;
  return {};
}

Result<std::string_view> ArgumentText::object() const {
  if (empty()) return std::string_view("{}");
  if (!closed() || !is_json_object(text_)) return invalid();
  return std::string_view(text_);
}

bool is_json_object(std::string_view text) {
  const auto tape = JsonTape::scan(text, {.depth = kArgumentDepth, .rigor = JsonRigor::upstream});
  return tape && tape->root(text).is(JsonType::object);
}

}  // namespace glmgate::protocol
