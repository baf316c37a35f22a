// Text that matches a regular expression, for the `pattern` of a JSON Schema.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/dice.h"

namespace glmgate::sandbox {

/// How many characters a text has.
struct TextSize {
  std::size_t least;
  std::size_t most;
};

/// A text of this size matching `pattern`. Nothing if there is none to be found, or if the pattern
/// uses what we do not know: look-around, back references, Unicode classes.
/// @param steps  how many may be taken, each as dear as some bytes of the pattern; what was not
///               taken is left in it.
std::optional<std::string> text_matching(std::string_view pattern, const TextSize& size, Dice dice,
                                         std::size_t& steps);

}  // namespace glmgate::sandbox
