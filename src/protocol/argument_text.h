// The arguments of one tool call, which come in pieces and must add up to one JSON object. Private
// to this room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace glmgate::protocol {

/// How deep arguments may nest, in answers and in the history: what a client was given it can send
/// back. Other JSON of a request nests less; these stand in strings.
inline constexpr std::size_t kArgumentDepth = 256;

class ArgumentText {
 public:
  /// Fault{upstream_broken} if what came so far cannot become one object: it begins otherwise, or
  /// goes on behind its last brace.
  Result<void> add(std::string_view piece);

  const std::string& text() const { return text_; }
  bool empty() const { return state_ == State::before; }   ///< nothing but white space
  bool closed() const { return state_ == State::behind; }  ///< the last brace came

  /// The whole: "{}" if nothing came. Fault{upstream_broken} if it is not JSON.
  Result<std::string_view> object() const;

 private:
  enum class State : unsigned char { before, inside, in_string, after_backslash, behind };
  std::string text_;
  State state_ = State::before;
  std::size_t depth_ = 0;
};

/// Whether `text` is one JSON object, as upstreams may write it.
bool is_json_object(std::string_view text);

}  // namespace glmgate::protocol
