// Images, sound, films and files that a model cannot read. In a conversation that goes on they
// would refuse every later turn: in the history and in the results of tools words take their place.
// What the user says just now is refused, so that nobody believes it was seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/json_scan.h"

namespace glmgate::protocol {

enum class MediaPolicy : std::uint8_t {
  placeholder,  ///< words in the history and in results of tools, a refusal in the newest message
  refuse,       ///< a refusal wherever it stands
  pass          ///< the upstream decides
};

enum class Medium : std::uint8_t { image, video, audio, file };

/// What a part or a block of any dialect is, by its type; nothing for text and all else.
std::optional<Medium> medium_of(JsonView part);

/// "[image omitted: glm-4.7 does not read images]", which needs no escapes if `model` needs none.
std::string omitted(Medium medium, std::string_view model);

/// Why it is refused, behind its path.
std::string unreadable(Medium medium, std::string_view model);

/// Finds the message that the user wrote last: of each message in its order it is told who speaks.
/// What follows the results of tools, before the model spoke again, was as a rule put there by the
/// client's own machinery: it counts as a result.
class NewestUser {
 public:
  void model_speaks() { *this = {}; }
  void tool_answers() {
    index_.reset();
    behind_results_ = true;
  }
  void user_speaks(std::size_t index) {
    if (!behind_results_) index_ = index;
  }
  bool is(std::size_t index) const { return index_ == index; }

 private:
  std::optional<std::size_t> index_;
  bool behind_results_ = false;
};

/// Of the messages of a chat request.
NewestUser newest_of_chat(JsonView messages);
/// Of Anthropic's messages, where results of tools are blocks of a user's message.
NewestUser newest_of_messages(JsonView messages);
/// Of the items of a Responses request.
NewestUser newest_of_items(JsonView input);

}  // namespace glmgate::protocol
