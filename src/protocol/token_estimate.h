// How many tokens a prompt has, from its bytes alone (wire-protocols 3.15): for limits, holds and
// count_tokens where no upstream counts. Rather too many than too few. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/json_scan.h"
#include "protocol/vocabulary.h"

namespace glmgate::protocol {

/// What the walk over messages and tools adds up.
struct Sums {
  const Vocabulary* vocabulary = nullptr;  ///< if given, texts are counted by it
  std::int64_t tokens = 0;                 ///< so far, by the vocabulary
  std::size_t text_bytes = 0;              ///< of text that is not CJK
  std::size_t characters = 0;              ///< CJK: about a token each
  std::size_t tool_bytes = 0;              ///< of tools' schemas, as written
  std::size_t messages = 0;
  std::size_t calls = 0;  ///< of tools, in the history
  std::size_t images = 0;

  void add_text(JsonView string);  ///< nothing if it is no string
  void add_json(JsonView value);   ///< a value that the model reads as JSON
  void add_tool(JsonView tool);    ///< a tool's description, which it reads as JSON too
};

/// With a vocabulary: its count, and what GLM's chat template puts around messages and tools.
std::int64_t estimate_prompt(const Sums& sums);

}  // namespace glmgate::protocol
