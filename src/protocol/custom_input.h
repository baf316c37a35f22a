// Custom tools take free text. A model calls them as a function with one string, `input`
// (wire-protocols 3.13). Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace glmgate::protocol {

/// Sees where a JSON object that comes in pieces is closed. What is no object never ends.
class ObjectEnd {
 public:
  void feed(std::string_view bytes);
  bool seen() const { return state_ == State::after; }

 private:
  enum class State : std::uint8_t { before, inside, text, escape, after, never };
  State state_ = State::before;
  std::size_t depth_ = 0;
};

/// What a custom tool is given: `input` of its arguments, or what stands in its place.
std::string custom_input(const std::string& arguments);

}  // namespace glmgate::protocol
