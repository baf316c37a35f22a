// Thinking that an engine without a reasoning parser leaves in the text: "<think>...</think>" at
// the beginning of its answer. Only for upstreams whose operator says so: anywhere else it is text.
#pragma once

#include <memory>

#include "protocol/delta.h"
#include "protocol/translated_stream.h"

namespace glmgate::protocol {

/// Splits what an answer says into its thinking and its text, wherever the pieces were cut. The
/// bytes between the tags are the thinking, all behind them is text; tags further on are text too.
class ThinkTags {
 public:
  Result<void> add(const Delta& delta, const OnDelta& on_delta);

 private:
  enum class State : std::uint8_t { before, inside, after };
  Result<void> read(const OnDelta& on_delta);
  Result<void> say(Delta::Kind kind, std::string_view text, const OnDelta& on_delta);
  Result<void> say_held(const OnDelta& on_delta);

  State state_ = State::before;
  std::string held_;  ///< space, or the beginning of a tag
};

/// `reader`, with its text split.
std::unique_ptr<AnswerReader> split_think_tags(std::unique_ptr<AnswerReader> reader);
/// The same of a whole answer.
ReadWhole split_think_tags(ReadWhole read);

}  // namespace glmgate::protocol
