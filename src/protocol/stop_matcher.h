// Stop sequences, matched exactly by the gateway: chat upstreams take few of them and do not say
// which one hit (wire-protocols 3.9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/delta.h"

namespace glmgate::protocol {

/// A filter of Deltas. Looks at what is said only, never at thinking or arguments, and not across
/// them. Of the sequences that are complete first, the longest hits: it began first.
class StopMatcher {
 public:
  /// Empty sequences are ignored.
  explicit StopMatcher(const std::vector<std::string>& stops);

  /// Hands `delta` on to `next`, keeping back text that may be the beginning of a sequence. When
  /// one is complete, the text before it goes out, then a `stop` that names it; what is added
  /// later is ignored.
  Result<void> add(const Delta& delta, const OnDelta& next);

  bool hit() const { return hit_; }
  std::size_t memory() const;                   ///< bytes kept for as long as the answer lasts
  std::size_t steps() const { return steps_; }  ///< what the text so far cost

 private:
  using State = std::uint32_t;

  /// Aho and Corasick's automaton: a state is a beginning of some sequence, the longest one that
  /// the text so far ends with. Breadth first, so that the children of a state stand together, in
  /// the order of their bytes, and end where those of the next state begin.
  struct Node {
    State first_child;
    State shorter = 0;  // the next shorter beginning that the text also ends with
    std::uint32_t length;
    std::uint32_t stop;  // 1 + the longest sequence that the text ends with here; 0: none
    unsigned char byte;
  };
  static constexpr State kNowhere = UINT32_MAX;

  void grow();
  void link();
  State child(State of, unsigned char byte) const;
  State next(State from, unsigned char byte);
  Result<void> add_text(std::string_view text, const OnDelta& next);
  Result<void> let_go(std::size_t bytes, const OnDelta& next);

  std::vector<std::string> stops_;  // sorted, each once
  std::vector<Node> nodes_;         // and one behind the last, for its children's end
  std::string held_;
  State state_ = 0;
  std::size_t steps_ = 0;
  bool hit_ = false;
};

}  // namespace glmgate::protocol
