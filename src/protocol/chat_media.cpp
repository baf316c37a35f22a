// What a text model cannot read in a chat request that passes.
#include "base/json.h"
#include "protocol/chat_fit.h"
#include "protocol/complaint.h"
#include "protocol/media.h"

namespace glmgate::protocol {

Result<void> fit_media(ChatFit& fit) {
  const ChatTarget& target = fit.target;
  if (target.takes_images || target.images == MediaPolicy::pass) return {};
  const JsonView messages = fit.root.find("messages");
  const NewestUser newest = newest_of_chat(messages);
  std::size_t m = 0;
  for (JsonView message = messages.first(); message.present(); message = message.after(), ++m) {
    std::size_t p = 0;
    for (JsonView part = message.find("content").first(); part.present();
         part = part.after(), ++p) {
      const auto medium = medium_of(part);
      if (!medium) continue;
      if (target.images == MediaPolicy::refuse || newest.is(m))
        return unsupported(at_index("messages", m) + "." + at_index("content", p),
                           unreadable(*medium, target.model));
      fit.body.replace(
          part, R"({"type":"text","text":)" + json::quote(omitted(*medium, target.model)) + "}");
      fit.warn("changed", "messages[].content[].type");
    }
  }
  return {};
}

}  // namespace glmgate::protocol
