#include "protocol/messages_request.h"

#include "base/json.h"
#include "protocol/complaint.h"
#include "protocol/json_write.h"
#include "protocol/stored_history.h"
#include "protocol/warnings.h"

namespace glmgate::protocol {
namespace {

bool is_ours(JsonView block) {
  return block.find("type").equals("thinking") &&
         ThinkingSeal::is_ours(inside(block.find("signature")));
}

/// Takes our thinking out of one message, and the message with it if nothing else is in it.
/// @return whether something went.
bool remove_our_thinking(Body& body, JsonView message) {
  const JsonView content = message.find("content");
  std::size_t left = content.size();
  const std::size_t before = left;
  for (JsonView block = content.first(); block.present(); block = block.after()) {
    if (!is_ours(block)) continue;
    body.remove_value(block);
    --left;
  }
  if (left == before) return false;
  if (left == 0) body.remove_value(message);
  return true;
}

/// Whether a turn that calls tools begins, without our thinking, as a thinking turn must.
bool calls_without_thinking(JsonView message) {
  bool calls = false;
  bool begins_with_thinking = false;
  bool is_first = true;
  const JsonView content = message.find("content");
  for (JsonView block = content.first(); block.present(); block = block.after()) {
    if (is_ours(block)) continue;
    const JsonView type = block.find("type");
    if (is_first)
      begins_with_thinking = type.equals("thinking") || type.equals("redacted_thinking");
    is_first = false;
    calls = calls || type.equals("tool_use");
  }
  return calls && !begins_with_thinking;
}

/// What a text model of the vendor's cannot read.
class MediaFit {
 public:
  MediaFit(Body& body, const MessagesTarget& target, Warnings& warnings)
      : body_(body), target_(target), warnings_(warnings) {}

  Result<void> fit(JsonView messages) {
    newest_ = newest_of_messages(messages);
    std::size_t index = 0;
    for (JsonView message = messages.first(); message.present();
         message = message.after(), ++index) {
      refuses_ = target_.images == MediaPolicy::refuse || newest_.is(index);
      if (auto fitted = fit_content(message.find("content")); !fitted)
        return under(at_index("messages", index) + ".content", std::move(fitted.error()));
    }
    return {};
  }

 private:
  Result<void> fit_content(JsonView content) {
    std::size_t index = 0;
    for (JsonView block = content.first(); block.present(); block = block.after(), ++index)
      if (auto fitted = fit_block(block); !fitted)
        return under(at_index("", index), std::move(fitted.error()));
    return {};
  }

  Result<void> fit_block(JsonView block) {
    const JsonView type = block.find("type");
    const JsonView source = block.find("source");
    if (type.equals("tool_result")) {
      auto fitted = fit_content(block.find("content"));
      return fitted ? fitted : under(".content", std::move(fitted.error()));
    }
    const bool is_file = type.equals("document") && !source.find("type").equals("text");
    if (is_file && source.find("type").equals("content")) {
      auto fitted = fit_content(source.find("content"));
      return fitted ? fitted : under(".source.content", std::move(fitted.error()));
    }
    if (!is_file && !type.equals("image")) return {};
    const Medium medium = is_file ? Medium::file : Medium::image;
    if (refuses_) return unsupported("", unreadable(medium, target_.model));
    body_.replace(block,
                  R"({"type":"text","text":)" + json::quote(omitted(medium, target_.model)) + "}");
    warnings_.add("changed", "messages[].content[].source");
    return {};
  }

  Body& body_;
  const MessagesTarget& target_;
  Warnings& warnings_;
  NewestUser newest_;
  bool refuses_ = false;
};

bool thinks(JsonView thinking) {
  const JsonView type = thinking.find("type");
  return type.given() && !type.equals("disabled");
}

}  // namespace

Result<void> check_whole_history(const Body& body) { return refuse_stored_history(body.root()); }

Result<std::vector<std::string>> fit_messages_request(Body& body, const Facts& /*facts*/,
                                                      const MessagesTarget& target) {
  body.forget_splices();
  const JsonView root = body.root();
  Warnings warnings;
  if (!target.takes_threads)
    if (auto refused = refuse_stored_history(root); !refused)
      return fail(std::move(refused.error()));
  if (!root.find("model").equals(target.model)) body.set("model", json::quote(target.model));
  if (!target.takes_images && target.images != MediaPolicy::pass)
    if (auto fitted = MediaFit(body, target, warnings).fit(root.find("messages")); !fitted)
      return fail(std::move(fitted.error()));
  if (!target.verifies_thinking) return warnings.take();
  bool removed = false;
  JsonView last_turn;
  for (JsonView message = root.find("messages").first(); message.present();
       message = message.after()) {
    if (!message.find("role").equals("assistant")) continue;
    removed = remove_our_thinking(body, message) || removed;
    last_turn = message;
  }
  if (!removed) return warnings.take();
  warnings.add("dropped", "messages[].content[].thinking");
  if (thinks(root.find("thinking")) && calls_without_thinking(last_turn)) {
    body.set("thinking", R"({"type":"disabled"})");
    warnings.add("changed", "thinking");
  }
  return warnings.take();
}

}  // namespace glmgate::protocol
