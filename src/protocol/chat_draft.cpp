#include "protocol/chat_draft.h"

namespace glmgate::protocol {

std::size_t ChatDraft::kept_bytes() const {
  constexpr std::size_t kName = 256;     // of the map's node and the strings' own parts
  constexpr std::size_t kStopByte = 24;  // a state of the automaton, and the text itself
  std::size_t bytes = sizeof *this + (echo ? echo->bytes() : 0);
  for (const auto& [upstream, tool] : names)  // the writer may have a copy
    bytes += 2 * (kName + upstream.size() + tool.name.size() + tool.space.size());
  for (const std::string& word : stop) bytes += kStopByte * (word.size() + 1);
  return bytes;
}

void ChatDraft::forget_what_was_taken() {
  std::vector<std::string>().swap(stop);
  echo.reset();
}

}  // namespace glmgate::protocol
