// Anthropic's messages as a chat request (wire-protocols 3.1, 3.2, 3.8, 3.9).
#pragma once

#include <cstdint>

#include "base/result.h"
#include "protocol/body.h"
#include "protocol/chat_draft.h"
#include "protocol/media.h"
#include "protocol/thinking_seal.h"

namespace glmgate::protocol {

/// What is known of the upstream the draft is for, and what its operator chose. What
/// fit_chat_request() sees to is not asked here.
struct MessagesRules {
  bool to_glm = true;  ///< Z.AI and Zhipu; false: an engine
  bool takes_images = true;
  MediaPolicy images = MediaPolicy::placeholder;  ///< for what it does not take
  std::string model;                              ///< as the words for what is omitted name it
  bool takes_every_image = false;                 ///< GIF and WebP too; GLM takes JPEG and PNG
  bool tool_image_parts = false;                  ///< images may stand in tool messages
  bool thinking_can_be_off = true;                ///< false: the GLM-5.3 family
  const ThinkingSeal* seal = nullptr;             ///< none: no thinking is replayed

  /// Engines: whether the chat template's switch is there. Servers that are strict about fields may
  /// not know it, so it is used when the client asks for it; by default only for models that have
  /// it.
  enum class Switch : std::uint8_t { always, when_asked, none } thinking_switch = Switch::always;

  /// A request that does not speak of thinking: off, as Anthropic has it, or what the model does by
  /// itself.
  enum class Thinking : std::uint8_t { off, upstream } thinking_default = Thinking::off;

  /// System messages in the midst of a conversation: kept in place, said by the user, or moved into
  /// the first system message.
  enum class MidSystem : std::uint8_t { keep, user, fold } mid_system = MidSystem::keep;
};

/// @param body  one that read_messages_facts() accepts.
/// @return the draft, whose body read_chat_facts() accepts (unless tool results, which are messages
///         of their own there, make too many messages of it); Fault{unsupported_field|bad_value}
/// names
///         what cannot be carried by its path in `body`.
Result<ChatDraft> messages_to_chat(const Body& body, const MessagesRules& rules);

}  // namespace glmgate::protocol
