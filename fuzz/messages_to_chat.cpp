// Any Anthropic request is refused by name or becomes a chat request: strict JSON that the reader
// of chat facts accepts, and that can be fitted or told on.
#include "protocol/messages_to_chat.h"

#include "fuzz.h"
#include "protocol/chat_request.h"
#include "protocol/chat_to_messages.h"
#include "protocol/facts.h"
#include "protocol/sha256.h"

namespace glmgate::protocol {
namespace {

using fuzz::claim;

const ThinkingSeal kSeal([](std::string_view text) { return sha256_hex(text); });

MessagesRules choose_rules(std::size_t which) {
  using MidSystem = MessagesRules::MidSystem;
  switch (which) {
    case 0:
      return {.seal = &kSeal};
    case 1:
      return {.takes_images = false,
              .images = MediaPolicy::placeholder,
              .thinking_can_be_off = false,
              .mid_system = MidSystem::fold};
    case 2:
      return {.to_glm = false, .takes_every_image = true, .tool_image_parts = true, .seal = &kSeal};
    case 3:
      return {.thinking_default = MessagesRules::Thinking::upstream, .mid_system = MidSystem::user};
    default:
      return {.to_glm = false, .takes_images = false};
  }
}

bool refuses_well(const Fault& fault) {
  return fault.blame == Blame::client && !fault.for_client.empty() &&
         (fault.code == FaultCode::bad_json || !fault.param.empty());
}

void run(fuzz::Input input) {
  const MessagesRules rules = choose_rules(input.choose(5));
  const auto body = Body::read(std::string(input.rest()), {});
  if (!body) return claim(refuses_well(body.error()), "refused with words");
  const auto facts = read_messages_facts(*body);
  if (!facts) return claim(refuses_well(facts.error()), "refused by name");
  claim(facts->input_estimate > 0 && facts->max_output >= 0, "facts are sane");
  const auto draft = messages_to_chat(*body, rules);
  if (!draft) return claim(refuses_well(draft.error()), "not carried, by name");
  for (const std::string& warning : draft->warnings)
    for (const char c : warning) claim(c >= ' ' && c < '\x7f', "a warning fits a header");
  for (const std::string& word : draft->stop)
    claim(!word.empty(), "a stop sequence stops at something");

  auto chat = Body::read(draft->body, kDraftLimits);
  claim(chat.has_value(), chat ? "" : chat.error().for_client.c_str());
  const auto chat_facts = read_chat_facts(*chat);
  claim(chat_facts.has_value(), chat_facts ? "" : chat_facts.error().for_client.c_str());
  claim(chat_facts->model == facts->model && chat_facts->stream == facts->stream &&
            chat_facts->max_output == facts->max_output,
        "the same is asked for");
  const auto fitted = fit_chat_request(
      *chat, *chat_facts,
      {.speaks = rules.to_glm ? Protocol::glm : Protocol::openai_chat, .model = "glm-4.7"});
  claim(fitted.has_value() || refuses_well(fitted.error()), "fitted, or refused by name");
  claim(!fitted || Body::read(chat->spliced(), kDraftLimits).has_value(), "fitted to strict JSON");

  chat->forget_splices();
  const auto back = chat_to_messages(*chat, {.model = "m"});
  if (!back) return claim(refuses_well(back.error()), "not told on, by name");
  const auto again = Body::read(back->body, kDraftLimits);
  claim(again.has_value() && read_messages_facts(*again).has_value(), "and back again");
}

}  // namespace
}  // namespace glmgate::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  glmgate::protocol::run({data, size});
  return 0;
}
