// The automaton finds what a plain search for each sequence finds, however the text is cut, and
// takes no more than two steps a byte.
#include "protocol/stop_matcher.h"

#include <string>
#include <vector>

#include "fuzz.h"

namespace glmgate::protocol {
namespace {

using fuzz::claim;

struct Matched {
  std::string text;
  std::string stop;
  bool operator==(const Matched&) const = default;
};

/// At each byte every sequence, the longest one counts.
Matched match_plainly(const std::vector<std::string>& stops, std::string_view text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops)
      if (stop.size() > longest.size() && text.substr(0, end).ends_with(stop)) longest = stop;
    if (!longest.empty()) return {std::string(text.substr(0, end - longest.size())), longest};
  }
  return {std::string(text), {}};
}

void run(fuzz::Input input) {
  constexpr std::size_t kMostText = 512;  // the plain search is slow
  std::vector<std::string> stops(1 + input.choose(6));
  for (std::string& stop : stops)
    for (std::size_t left = input.choose(8); left > 0; --left)
      stop += static_cast<char>('a' + input.choose(3));
  const std::size_t step = 1 + input.choose(7);
  const std::string_view text = input.rest().substr(0, kMostText);
  StopMatcher matcher(stops);
  Matched found;
  const OnDelta next = [&](const Delta& delta) -> Result<void> {
    if (delta.kind == Delta::Kind::text) found.text += delta.text;
    if (delta.stop == Stop::stop_sequence) found.stop = delta.text;
    return {};
  };
  for (std::size_t at = 0; at < text.size(); at += step)
    claim(matcher.add({.kind = Delta::Kind::text, .text = text.substr(at, step)}, next).has_value(),
          "text is taken");
  if (!matcher.hit())
    claim(matcher.add({.kind = Delta::Kind::stop}, next).has_value(), "the end is taken");
  claim(found == match_plainly(stops, text), "the same is found");
  claim(matcher.steps() <= 2 * text.size(), "in linear time");
}

}  // namespace
}  // namespace glmgate::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  glmgate::protocol::run({data, size});
  return 0;
}
